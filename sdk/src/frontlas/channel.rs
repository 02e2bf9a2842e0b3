//! The gRPC connection to one replica of frontlas.

use super::{Address, REPLICA_TIMEOUT};
use frontier_transport::ClientTls;
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;
use tracing::warn;

/// How often a connection that is silent is pinged, and how long it may take to answer.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A channel that connects, and connects again, when it is used.
pub(super) fn open(address: &Address, tls: &ClientTls) -> Channel {
    // Parsed again and again would be no better: an address has a plain host and a port.
    let uri = |scheme: &str| Uri::builder().scheme(scheme).authority(address.authority()).path_and_query("/");
    let plain = uri("http").build().unwrap_or_default();
    let endpoint = Endpoint::from(plain)
        .connect_timeout(REPLICA_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let (host, port) = (address.host.clone(), address.port);
    if !address.is_tls {
        let connect = move |_: Uri| {
            let host = host.clone();
            async move { dial(&host, port).await.map(TokioIo::new) }
        };
        return endpoint.connect_with_connector_lazy(service_fn(connect));
    }
    let endpoint = endpoint.origin(uri("https").build().unwrap_or_default());
    let tls = Arc::new(tls.clone());
    let connect = move |_: Uri| {
        let (host, tls) = (host.clone(), tls.clone());
        async move { dial_tls(&host, port, &tls).await.map(TokioIo::new) }
    };
    endpoint.connect_with_connector_lazy(service_fn(connect))
}

async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn dial_tls(host: &str, port: u16, tls: &ClientTls) -> io::Result<TlsStream<TcpStream>> {
    let name = tls.name(host).map_err(io::Error::other)?;
    let config = tls.load(b"h2").await.map_err(io::Error::other)?;
    if tls.accepts_any() {
        warn!(host, "DANGER: any certificate of frontlas is accepted, anyone may be at the other end");
    }
    TlsConnector::from(config).connect(name, dial(host, port).await?).await
}
