//! The gRPC connection to one replica of frontlas.

use super::{Address, Lookups, REPLICA_TIMEOUT};
use frontier_transport::{ClientTls, ProxyChoice, connect_any, lookup};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;
use tracing::warn;

/// How often a connection that is silent is pinged, and how long it may take to answer.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A channel that connects, and connects again, when it is used. `lookups` counts while
/// the name is looked up.
pub(super) fn open(address: &Address, tls: &ClientTls, proxy: &ProxyChoice, lookups: &Lookups) -> Channel {
    // Parsed again and again would be no better: an address has a plain host and a port.
    let uri = |scheme: &str| Uri::builder().scheme(scheme).authority(address.authority()).path_and_query("/");
    let plain = uri("http").build().unwrap_or_default();
    let endpoint = Endpoint::from(plain)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let to = Target { address: address.clone(), proxy: proxy.clone(), lookups: lookups.clone() };
    if !address.is_tls {
        let connect = move |_: Uri| {
            let to = to.clone();
            async move { to.dial().await.map(TokioIo::new) }
        };
        return endpoint.connect_with_connector_lazy(service_fn(connect));
    }
    let endpoint = endpoint.origin(uri("https").build().unwrap_or_default());
    let tls = Arc::new(tls.clone());
    let connect = move |_: Uri| {
        let (to, tls) = (to.clone(), tls.clone());
        async move { to.dial_tls(&tls).await.map(TokioIo::new) }
    };
    endpoint.connect_with_connector_lazy(service_fn(connect))
}

/// Where a channel leads, and by what way.
#[derive(Clone)]
struct Target {
    address: Address,
    proxy: ProxyChoice,
    lookups: Lookups,
}

impl Target {
    async fn dial(&self) -> io::Result<TcpStream> {
        let Address { host, port, is_tls } = &self.address;
        // Whoever looks up a name, and be it for the proxy.
        let looking_up = self.lookups.begin();
        if let Some(proxy) = self.proxy.to(host, *port, *is_tls).map_err(io::Error::other)? {
            let connected = proxy.connect(host, *port).await;
            return connected.map_err(|error| io::Error::other(format!("the proxy {proxy}: {error}")));
        }
        let addresses = lookup(host, *port).await?;
        drop(looking_up);
        connect_any(addresses).await
    }

    async fn dial_tls(&self, tls: &ClientTls) -> io::Result<TlsStream<TcpStream>> {
        let host = &self.address.host;
        let name = tls.name(host).map_err(io::Error::other)?;
        let config = tls.load(b"h2").await.map_err(io::Error::other)?;
        if tls.accepts_any() {
            warn!(host, "DANGER: any certificate of frontlas is accepted, anyone may be at the other end");
        }
        let stream = self.dial().await?;
        // Else requests would wait for the same silent replica for ever.
        let secured = timeout(REPLICA_TIMEOUT, TlsConnector::from(config).connect(name, stream)).await;
        secured.unwrap_or_else(|_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake within the timeout"))
        })
    }
}
