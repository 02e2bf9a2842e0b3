//! The HTTP connection to a control plane: through a proxy where the environment names one, over TLS where the URL says so.

use super::Address;
use bytes::Bytes;
use frontier_sdk::ClientTls;
use frontier_transport::{ProxyChoice, connect_any, lookup};
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Connects; the connection lives while the sender does.
pub(crate) async fn connect(address: &Address, tls: &ClientTls) -> io::Result<SendRequest<Full<Bytes>>> {
    let tcp = tcp(address).await?;
    if address.is_tls {
        speak(secure(&address.host, tls, tcp, b"http/1.1").await?).await
    } else {
        speak(tcp).await
    }
}

/// The TCP connection.
pub(crate) async fn tcp(address: &Address) -> io::Result<TcpStream> {
    let Address { host, port, is_tls } = address;
    if let Some(proxy) = ProxyChoice::from_environment().to(host, *port, *is_tls).map_err(io::Error::other)? {
        let connected = proxy.connect(host, *port).await;
        return connected.map_err(|error| io::Error::other(format!("the proxy {proxy}: {error}")));
    }
    connect_any(lookup(host, *port).await?).await
}

/// TLS above it, with this protocol inside.
pub(crate) async fn secure(
    host: &str,
    tls: &ClientTls,
    tcp: TcpStream,
    alpn: &'static [u8],
) -> io::Result<TlsStream<TcpStream>> {
    let name = tls.name(host).map_err(io::Error::other)?;
    let config = tls.load(alpn).await.map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, tcp).await
}

async fn speak(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> io::Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = handshake(TokioIo::new(io)).await.map_err(io::Error::other)?;
    // Its error is told to whoever waits for a response.
    tokio::spawn(connection);
    Ok(sender)
}
