//! The gRPC connection to one replica of frontlas.

use super::{Address, Lookups, REPLICA_TIMEOUT};
use frontier_transport::{ClientTls, connect_any, lookup};
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
pub(super) fn open(address: &Address, tls: &ClientTls, lookups: &Lookups) -> Channel {
    // Parsed again and again would be no better: an address has a plain host and a port.
    let uri = |scheme: &str| Uri::builder().scheme(scheme).authority(address.authority()).path_and_query("/");
    let plain = uri("http").build().unwrap_or_default();
    let endpoint = Endpoint::from(plain)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let (host, port, lookups) = (address.host.clone(), address.port, lookups.clone());
    if !address.is_tls {
        let connect = move |_: Uri| {
            let (host, lookups) = (host.clone(), lookups.clone());
            async move { dial(&host, port, &lookups).await.map(TokioIo::new) }
        };
        return endpoint.connect_with_connector_lazy(service_fn(connect));
    }
    let endpoint = endpoint.origin(uri("https").build().unwrap_or_default());
    let tls = Arc::new(tls.clone());
    let connect = move |_: Uri| {
        let (host, tls, lookups) = (host.clone(), tls.clone(), lookups.clone());
        async move { dial_tls(&host, port, &tls, &lookups).await.map(TokioIo::new) }
    };
    endpoint.connect_with_connector_lazy(service_fn(connect))
}

async fn dial(host: &str, port: u16, lookups: &Lookups) -> io::Result<TcpStream> {
    let looking_up = lookups.begin();
    let addresses = lookup(host, port).await?;
    drop(looking_up);
    connect_any(addresses).await
}

async fn dial_tls(
    host: &str,
    port: u16,
    tls: &ClientTls,
    lookups: &Lookups,
) -> io::Result<TlsStream<TcpStream>> {
    let name = tls.name(host).map_err(io::Error::other)?;
    let config = tls.load(b"h2").await.map_err(io::Error::other)?;
    if tls.accepts_any() {
        warn!(host, "DANGER: any certificate of frontlas is accepted, anyone may be at the other end");
    }
    let stream = dial(host, port, lookups).await?;
    // Else requests would wait for the same silent replica for ever.
    let secured = timeout(REPLICA_TIMEOUT, TlsConnector::from(config).connect(name, stream)).await;
    secured.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake within the timeout"))
    })
}
