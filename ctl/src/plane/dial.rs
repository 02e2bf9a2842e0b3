//! The HTTP connection to a control plane: through a proxy where the environment names one, over TLS where the URL says so.

use super::Address;
use bytes::Bytes;
use frontier_sdk::ClientTls;
use frontier_transport::{Proxy, ProxyChoice, connect_greeted, lookup};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Sends requests over one connection.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// The way to a control plane.
#[derive(Clone)]
pub(crate) enum Way {
    Through(Proxy),
    /// To the addresses of its name.
    Direct(Vec<SocketAddr>),
}

impl Way {
    /// Looks up the name, which may take its time, unless a proxy does.
    pub(crate) async fn to(address: &Address) -> io::Result<Self> {
        let Address { host, port, is_tls } = address;
        let choice = ProxyChoice::from_environment();
        Ok(match choice.to(host, *port, *is_tls).map_err(io::Error::other)? {
            Some(proxy) => Self::Through(proxy.clone()),
            None => Self::Direct(lookup(host, *port).await?),
        })
    }

    /// Connects, and greets whoever is there. Of several addresses the first that answers is the one.
    async fn greeted<T, F>(self, address: &Address, greet: impl Fn(TcpStream) -> F) -> io::Result<T>
    where
        F: Future<Output = io::Result<T>>,
    {
        match self {
            Self::Through(proxy) => {
                let connected = proxy.connect(&address.host, address.port).await;
                let wrong = |error| io::Error::other(format!("the proxy {proxy}: {error}"));
                greet(connected.map_err(wrong)?).await
            }
            Self::Direct(addresses) => connect_greeted(addresses, greet).await,
        }
    }

    fn has_several(&self) -> bool {
        matches!(self, Self::Direct(addresses) if addresses.len() > 1)
    }
}

/// Connects; the connection lives while the sender does. Of several addresses it is that of a server that has answered.
pub(crate) async fn connect(way: Way, address: &Address, tls: &ClientTls) -> io::Result<Sender> {
    let is_asked = way.has_several();
    let (at, tls) = (address.clone(), tls.clone());
    let greet = move |tcp| {
        let (at, tls) = (at.clone(), tls.clone());
        async move {
            let mut sender = match at.is_tls {
                true => speak(secure(&at.host, &tls, tcp, b"http/1.1").await?).await?,
                false => speak(tcp).await?,
            };
            if is_asked {
                ask(&mut sender, &at).await?;
            }
            Ok(sender)
        }
    };
    way.greeted(address, greet).await
}

/// Asks for what needs no credentials, and has no effect. Any answer will do.
async fn ask(sender: &mut Sender, address: &Address) -> io::Result<()> {
    let request = Request::get("/healthz").header(HOST, address.authority()).body(Full::default());
    let response = sender.send_request(request.map_err(io::Error::other)?).await.map_err(io::Error::other)?;
    response.into_body().collect().await.map_err(io::Error::other)?;
    sender.ready().await.map_err(io::Error::other)
}

/// The TCP connection.
pub(crate) async fn tcp(address: &Address) -> io::Result<TcpStream> {
    Way::to(address).await?.greeted(address, |tcp| std::future::ready(Ok(tcp))).await
}

/// A connection over TLS. Of several addresses the first that speaks it is the one.
pub(crate) async fn secured(
    address: &Address,
    tls: &ClientTls,
    alpn: &'static [u8],
) -> io::Result<TlsStream<TcpStream>> {
    let (host, tls) = (address.host.clone(), tls.clone());
    let greet = move |tcp| {
        let (host, tls) = (host.clone(), tls.clone());
        async move { secure(&host, &tls, tcp, alpn).await }
    };
    Way::to(address).await?.greeted(address, greet).await
}

async fn secure(
    host: &str,
    tls: &ClientTls,
    tcp: TcpStream,
    alpn: &'static [u8],
) -> io::Result<TlsStream<TcpStream>> {
    let name = tls.name(host).map_err(io::Error::other)?;
    let config = tls.load(alpn).await.map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, tcp).await
}

async fn speak(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> io::Result<Sender> {
    let (sender, connection) = handshake(TokioIo::new(io)).await.map_err(io::Error::other)?;
    // Its error is told to whoever waits for a response.
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Answers each request with nothing.
    async fn answer(listener: TcpListener) {
        let (mut io, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while let Ok(byte) = io.read_u8().await {
            request.push(byte);
            if request.ends_with(b"\r\n\r\n") {
                assert!(request.starts_with(b"GET /healthz HTTP/1.1"));
                request.clear();
                io.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn of_several_addresses_one_that_answers_is_taken() {
        let [silent, speaks] =
            [TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await];
        // The system takes connections for the first, and nobody ever answers.
        let (silent, speaks) = (silent.unwrap(), speaks.unwrap());
        let addresses = vec![silent.local_addr().unwrap(), speaks.local_addr().unwrap()];
        let server = tokio::spawn(answer(speaks));
        let address = Address { host: "several.test".into(), port: 1, is_tls: false };
        let tls = ClientTls::new();
        let connected = connect(Way::Direct(addresses), &address, &tls);
        let connected = tokio::time::timeout(Duration::from_secs(30), connected).await;
        let mut sender = connected.expect("nobody is waited for for ever").unwrap();
        ask(&mut sender, &address).await.unwrap();
        drop(sender);
        server.await.unwrap();
    }
}
