//! The gRPC connection to one replica of frontlas.

use super::greeting::Greeted;
use super::{Address, Lookups, REPLICA_TIMEOUT};
use frontier_transport::{ClientTls, ProxyChoice, connect_any, connect_greeted, lookup};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
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
    open_with(address, tls, proxy, lookups, |endpoint| endpoint)
}

/// The same, with other windows.
pub(crate) fn open_with(
    address: &Address,
    tls: &ClientTls,
    proxy: &ProxyChoice,
    lookups: &Lookups,
    windows: impl FnOnce(Endpoint) -> Endpoint,
) -> Channel {
    // Parsed again and again would be no better: an address has a plain host and a port.
    let uri = |scheme: &str| Uri::builder().scheme(scheme).authority(address.authority()).path_and_query("/");
    let plain = uri("http").build().unwrap_or_default();
    let endpoint = Endpoint::from(plain)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let endpoint = windows(endpoint);
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
    async fn dial(&self) -> io::Result<Greeted<TcpStream>> {
        self.dial_with(|tcp| std::future::ready(Ok(tcp))).await
    }

    async fn dial_tls(&self, tls: &ClientTls) -> io::Result<Greeted<TlsStream<TcpStream>>> {
        let host = &self.address.host;
        let name = tls.name(host).map_err(io::Error::other)?;
        let config = tls.load(b"h2").await.map_err(io::Error::other)?;
        if tls.accepts_any() {
            warn!(host, "DANGER: any certificate of frontlas is accepted, anyone may be at the other end");
        }
        let connector = TlsConnector::from(config);
        let secure = move |tcp| {
            // Else requests would wait for the same silent replica for ever.
            let secured = timeout(REPLICA_TIMEOUT, connector.connect(name.clone(), tcp));
            async move {
                secured.await.unwrap_or_else(|_| {
                    Err(io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake within the timeout"))
                })
            }
        };
        self.dial_with(secure).await
    }

    /// A connection with what `secure` puts above it. Of a name with several addresses the first whose server speaks.
    async fn dial_with<S, F>(&self, secure: impl Fn(TcpStream) -> F + Clone) -> io::Result<Greeted<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        F: Future<Output = io::Result<S>>,
    {
        let Address { host, port, is_tls } = &self.address;
        // Whoever looks up a name, and be it for the proxy.
        let looking_up = self.lookups.begin();
        if let Some(proxy) = self.proxy.to(host, *port, *is_tls).map_err(io::Error::other)? {
            let connected = proxy.connect(host, *port).await;
            let connected =
                connected.map_err(|error| io::Error::other(format!("the proxy {proxy}: {error}")))?;
            return Ok(Greeted::not_yet(secure(connected).await?));
        }
        let addresses = lookup(host, *port).await?;
        drop(looking_up);
        first_to_speak(addresses, secure).await
    }
}

/// A connection to the first of these addresses whose server speaks. One alone need not.
async fn first_to_speak<S, F>(
    addresses: Vec<SocketAddr>,
    secure: impl Fn(TcpStream) -> F + Clone,
) -> io::Result<Greeted<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = io::Result<S>>,
{
    if addresses.len() > 1 {
        let secure = secure.clone();
        let greet = move |tcp| {
            let secured = secure(tcp);
            async move { Greeted::greet(secured.await?, REPLICA_TIMEOUT).await }
        };
        // There may be servers that are silent until they have heard more than the first line of HTTP/2.
        if let Ok(greeted) = connect_greeted(addresses.clone(), greet).await {
            return Ok(greeted);
        }
    }
    Ok(Greeted::not_yet(secure(connect_any(addresses).await?).await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    async fn listen() -> (SocketAddr, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (listener.local_addr().unwrap(), listener)
    }

    async fn dialled(addresses: Vec<SocketAddr>) -> Greeted<TcpStream> {
        let dialled = first_to_speak(addresses, |tcp| std::future::ready(Ok(tcp)));
        timeout(Duration::from_secs(30), dialled).await.expect("nobody is waited for for ever").unwrap()
    }

    #[tokio::test]
    async fn of_several_addresses_the_one_that_speaks_is_taken() {
        // The system takes connections for it, and nobody ever answers.
        let ((silent, _never_answers), (speaks, listener)) = (listen().await, listen().await);
        let server = tokio::spawn(async move {
            let (mut io, _) = listener.accept().await.unwrap();
            let mut preface = [0; 24];
            io.read_exact(&mut preface).await.unwrap();
            io.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
            let mut rest = Vec::new();
            io.read_to_end(&mut rest).await.unwrap();
            rest
        });
        let mut io = dialled(vec![silent, speaks]).await;
        io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore").await.unwrap();
        drop(io);
        assert_eq!(server.await.unwrap(), b"more", "the preface has gone out already");
    }

    #[tokio::test]
    async fn where_nobody_speaks_unasked_one_is_taken_all_the_same() {
        let ((waits, listener), (closed, other)) = (listen().await, listen().await);
        drop(other);
        let server = tokio::spawn(async move {
            loop {
                let (mut io, _) = listener.accept().await.unwrap();
                let mut sent = Vec::new();
                io.read_to_end(&mut sent).await.unwrap();
                if sent.ends_with(b"more") {
                    return sent;
                }
            }
        });
        let mut io = dialled(vec![waits, closed]).await;
        io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore").await.unwrap();
        drop(io);
        assert_eq!(server.await.unwrap(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore");
    }
}
