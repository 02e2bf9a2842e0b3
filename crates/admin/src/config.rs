//! What can be set of a server.

use crate::host::AllowedHosts;
use crate::proxies::ServerProxies;
use crate::tls;
use frontier_config::{ByteSize, Section};
use frontier_transport::{ClientAuth, ServerTls};
use std::net::SocketAddr;
use std::time::Duration;

/// The section of a server, such as `control_plane`.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// `listen.addr`: address and port; port 0 lets the system choose.
    pub addr: SocketAddr,
    /// `listen.tls`: TLS, if it is enabled and its files are of use.
    pub tls: Option<ServerTls>,
    /// Whether clients can show a certificate. If the files of `listen.tls` are of no use nobody can tell, and they may.
    pub takes_certificates: bool,
    /// `listen.trusted_proxies`, `listen.forwarded_header`: the proxies in front of it.
    pub proxies: ServerProxies,
    /// `listen.allowed_hosts`: by which names it is reached where it asks for no credentials.
    pub hosts: AllowedHosts,
    /// `connections`: how many there may be; more are closed right after the accept. 10,000.
    pub connections: usize,
    /// Requests at once on one HTTP/2 connection: each may hold a request and an answer. No key sets it.
    pub streams: u32,
    /// `handshakes`: connections that have shown no credentials, where they are asked for; the oldest gives way. They
    /// take no place of `connections`. 1,024.
    pub handshakes: usize,
    /// `handshakes_per_address`: the same from one address, or one /64 of IPv6. 128.
    pub handshakes_per_address: usize,
    /// `watchers`: watches at once; more are refused. 1,000.
    pub watchers: usize,
    /// `request_timeout`: how long an answer may take, and the beginning of a watch. 10 s.
    pub request_timeout: Duration,
    /// `request_size`: the longest message of a gRPC request, in bytes. The daemon gives it to its tonic
    /// services. 1 MiB.
    pub request_size: usize,
    /// `handshake_timeout`: how long a connection may take to be made, TLS, the first request line, and
    /// a request with credentials where these are asked for: each. 10 s.
    pub handshake_timeout: Duration,
    /// `slow_peer_timeout`: how long a peer may take nothing of what waits for it. 30 s.
    pub slow_peer_timeout: Duration,
    /// What the system keeps for a peer that does not read, in bytes; it takes up to twice as much. `None` leaves that to
    /// the system, as no key does.
    pub send_buffer: Option<u32>,
    /// `keepalive`: after how long a quiet watch sends a sign of life, and an HTTP/2 connection a ping. 15 s.
    pub keepalive: Duration,
}

impl ServerConfig {
    /// What may surprise about its certificates and proxies, though they are used, in lines that begin with the `plane`.
    #[must_use]
    pub fn warnings(&self, plane: &str) -> Vec<String> {
        let tls = self.tls.iter().flat_map(ServerTls::warnings);
        let proxies = self.proxies.trusted.warning(&format!("{plane}.listen"));
        tls.chain(proxies).map(|warning| format!("{plane} {}: {warning}", self.addr)).collect()
    }

    /// A small plane for orchestrators and scrapes, without TLS: a hundred connections, a few requests at once on each, since
    /// nobody is asked who reads the answers so slowly, and the defaults of the rest.
    #[must_use]
    pub fn small(addr: SocketAddr) -> Self {
        let seconds = Duration::from_secs;
        Self {
            addr,
            tls: None,
            takes_certificates: false,
            proxies: ServerProxies::default(),
            hosts: AllowedHosts::default(),
            connections: 100,
            streams: 4,
            handshakes: 1024,
            handshakes_per_address: 128,
            watchers: 1000,
            request_timeout: seconds(10),
            request_size: ByteSize::mib(1).as_usize(),
            handshake_timeout: seconds(10),
            slow_peer_timeout: seconds(30),
            send_buffer: None,
            keepalive: seconds(15),
        }
    }

    /// Reads the section. Without an address it listens on `default_addr`.
    #[must_use]
    pub fn read(section: &Section<'_>, default_addr: SocketAddr) -> Self {
        let (millis, seconds) = (Duration::from_millis, Duration::from_secs);
        let time = |key, default, least, most| section.within(key, default, least..=most);
        let listen = Self::listen(&section.section("listen"), default_addr);
        let size = section.within("request_size", ByteSize::mib(1), ByteSize::kib(64)..=ByteSize::mib(64));
        Self {
            streams: 256,
            connections: section.within("connections", 10_000, 1..=1_000_000),
            handshakes: section.within("handshakes", 1024, 1..=1_000_000),
            handshakes_per_address: section.within("handshakes_per_address", 128, 1..=1_000_000),
            watchers: section.within("watchers", 1000, 1..=1_000_000),
            request_timeout: time("request_timeout", seconds(10), millis(10), seconds(300)),
            request_size: size.as_usize(),
            handshake_timeout: time("handshake_timeout", seconds(10), millis(10), seconds(300)),
            slow_peer_timeout: time("slow_peer_timeout", seconds(30), millis(100), seconds(3600)),
            keepalive: time("keepalive", seconds(15), millis(100), seconds(3600)),
            ..listen
        }
    }

    /// Reads the section `listen` alone: where it listens and with which certificates. All else is as for a
    /// [`small`](Self::small) plane.
    #[must_use]
    pub fn listen(listen: &Section<'_>, default_addr: SocketAddr) -> Self {
        let network: String = listen.get("network", "tcp".into());
        if network != "tcp" {
            listen.reject("network", "only tcp is spoken here");
        }
        let (tls, is_enabled) = tls::read(&listen.section("tls"));
        Self {
            takes_certificates: tls.as_ref().map_or(is_enabled, |tls| tls.client_auth() != ClientAuth::Off),
            tls,
            proxies: ServerProxies::read(listen),
            hosts: AllowedHosts::read(listen),
            ..Self::small(listen.get("addr", default_addr))
        }
    }
}
