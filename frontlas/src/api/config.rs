use super::tls::Tls;
use frontier_config::{ByteSize, Section};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The section `control_plane`.
#[derive(Clone, Debug)]
pub struct ControlPlaneConfig {
    /// Address and port; port 0 lets the system choose. 0.0.0.0:40011.
    pub addr: SocketAddr,
    /// TLS, if it is enabled.
    pub tls: Option<Tls>,
    /// Connections at once; more are closed at once. 10,000.
    pub connections: usize,
    /// Watches at once; more are refused. 1,000.
    pub watchers: usize,
    /// How long an answer may take, and the beginning of a watch. 10 s.
    pub request_timeout: Duration,
    /// The longest message of a gRPC request, in bytes. 1 MiB.
    pub request_size: usize,
    /// How long a connection may take to be made, handshake and first request line. 10 s.
    pub handshake_timeout: Duration,
    /// How long a connection may take nothing of what waits for it. 30 s.
    pub slow_peer_timeout: Duration,
    /// After how long a quiet watch gives a sign of life, and an HTTP/2 connection is asked for one. 15 s.
    pub keepalive: Duration,
    /// The pause between two looks for changes, while someone watches. 100 ms.
    pub watch_interval: Duration,
}

impl ControlPlaneConfig {
    /// Reads the section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let (millis, seconds) = (Duration::from_millis, Duration::from_secs);
        let time = |key, default, least, most| section.within(key, default, least..=most);
        let listen = section.section("listen");
        let network: String = listen.get("network", "tcp".into());
        if network != "tcp" {
            listen.reject("network", "only tcp is spoken here");
        }
        let size = section.within("request_size", ByteSize::mib(1), ByteSize::kib(64)..=ByteSize::mib(64));
        Self {
            addr: listen.get("addr", (Ipv4Addr::UNSPECIFIED, 40011).into()),
            tls: Tls::read(&listen.section("tls")),
            connections: section.within("connections", 10_000, 1..=1_000_000),
            watchers: section.within("watchers", 1000, 1..=1_000_000),
            request_timeout: time("request_timeout", seconds(10), millis(10), seconds(300)),
            request_size: size.as_usize(),
            handshake_timeout: time("handshake_timeout", seconds(10), millis(10), seconds(300)),
            slow_peer_timeout: time("slow_peer_timeout", seconds(30), millis(100), seconds(3600)),
            keepalive: time("keepalive", seconds(15), millis(100), seconds(3600)),
            watch_interval: time("watch_interval", millis(100), millis(10), seconds(60)),
        }
    }
}
