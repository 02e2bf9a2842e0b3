//! A listener for another protocol: one that answers lines, over the plain byte stream of each carrier.

use crate::authority::{ALWAYS, Authority};
use crate::gateway::{config, echoes, soon};
use frontier_transport::{
    AcceptError, Bind, BoxedCarrier, ClientTls, DialOptions, Event, Link, Listener, Network, PeerInfo,
    Priority, ServerTls, ServerTlsConfig, crypto_provider, dial,
};
use futures_util::{SinkExt as _, StreamExt as _};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufStream,
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;

const WELCOME: &str = "ready\n";

/// A listener, and what becomes of its first connection.
struct Server {
    addr: SocketAddr,
    accepted: tokio::task::JoinHandle<Result<(BoxedCarrier, PeerInfo), AcceptError>>,
}

impl Server {
    fn start(network: Network, tls: Option<ServerTlsConfig>) -> Self {
        let tls = tls.map(|config| ServerTls::load(config).unwrap());
        let mut listener =
            Listener::bind(Bind { network, addr: ([127, 0, 0, 1], 0).into(), tls, only_v6: false }).unwrap();
        let addr = listener.local_addr().unwrap();
        let accepted = tokio::spawn(async move { listener.accept().await.incoming.carrier().await });
        Self { addr, accepted }
    }

    async fn carrier(self) -> (BoxedCarrier, PeerInfo) {
        soon(self.accepted).await.unwrap().unwrap()
    }

    /// Speaks first, then answers each line in upper case, until the peer ends its side.
    async fn answer_lines(self) -> PeerInfo {
        let (carrier, peer) = self.carrier().await;
        let mut lines = BufStream::new(carrier);
        lines.write_all(WELCOME.as_bytes()).await.unwrap();
        lines.flush().await.unwrap();
        let mut line = String::new();
        while lines.read_line(&mut line).await.unwrap() > 0 {
            lines.write_all(line.to_uppercase().as_bytes()).await.unwrap();
            lines.flush().await.unwrap();
            line.clear();
        }
        lines.shutdown().await.unwrap();
        peer
    }
}

/// Waits to be spoken to, has two lines answered, and leaves.
async fn ask(io: impl AsyncRead + AsyncWrite + Unpin) {
    let mut lines = BufStream::new(io);
    let mut came = String::new();
    lines.read_line(&mut came).await.unwrap();
    assert_eq!(came, WELCOME);
    lines.write_all(b"GET / HTTP/1.1\nbye\n").await.unwrap();
    lines.shutdown().await.unwrap();
    came.clear();
    lines.read_to_string(&mut came).await.unwrap();
    assert_eq!(came, "GET / HTTP/1.1\nBYE\n");
}

#[tokio::test]
async fn lines_over_tcp() {
    let server = Server::start(Network::Tcp, None);
    let addr = server.addr;
    let client = async { ask(TcpStream::connect(addr).await.unwrap()).await };
    let (peer, ()) = soon(async { tokio::join!(server.answer_lines(), client) }).await;
    assert_eq!(
        peer,
        PeerInfo { certificate: None, network: Network::Tcp, server_name: None, forwarded: Vec::new() }
    );
}

/// A TLS client of another make.
async fn secured(addr: SocketAddr, ca: &Authority, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(ca.ca()).unwrap();
    let certificate = rustls::pki_types::pem::PemObject::from_pem_slice(&pem).unwrap();
    roots.add(certificate).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(crypto_provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let io = TcpStream::connect(addr).await.unwrap();
    connector.connect("localhost".try_into().unwrap(), io).await.unwrap()
}

/// Lines start with letters, as HTTP does, and the server speaks first: nothing is guessed from them.
#[tokio::test]
async fn lines_over_tls() {
    let ca = Authority::new("ca");
    let server = Server::start(Network::Tls, Some(ca.server(&["localhost"], ALWAYS).serving()));
    let addr = server.addr;
    let client = async { ask(secured(addr, &ca, &[]).await).await };
    let (peer, ()) = soon(async { tokio::join!(server.answer_lines(), client) }).await;
    assert_eq!((peer.network, peer.server_name.as_deref()), (Network::Tls, Some("localhost")));
}

#[tokio::test]
async fn lines_over_websocket() {
    let ca = Authority::new("ca");
    let secure = || Some(ca.server(&["localhost"], ALWAYS).serving());
    for (network, tls) in [(Network::Ws, None), (Network::Ws, secure()), (Network::Tls, secure())] {
        let is_secure = tls.is_some();
        let server = Server::start(network, tls);
        let addr = server.addr;
        let client = async {
            let io: BoxedCarrier = match is_secure {
                true => Box::new(secured(addr, &ca, &[b"http/1.1"]).await),
                false => Box::new(TcpStream::connect(addr).await.unwrap()),
            };
            let (mut socket, _) = tokio_tungstenite::client_async("ws://localhost/x", io).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary(WELCOME.into()));
            socket.send(Message::Binary("hello\n".into())).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary("HELLO\n".into()));
            socket.close(None).await.unwrap();
        };
        let (peer, ()) = soon(async { tokio::join!(server.answer_lines(), client) }).await;
        assert_eq!(peer.network, Network::Ws);
    }
}

#[tokio::test]
async fn a_link_stands_over_a_carrier_too() {
    let ca = Authority::new("ca");
    let server = Server::start(Network::Tls, Some(ca.server(&["localhost"], ALWAYS).serving()));
    let endpoint = format!("tls://localhost:{}", server.addr.port()).parse().unwrap();
    let options = DialOptions { tls: ClientTls::new().ca_file(ca.ca()), ..DialOptions::default() };
    let client = async {
        let mut link = dial(&endpoint, &options, config()).await.unwrap();
        echoes(&mut link, 7).await.unwrap();
    };
    let gateway = async {
        let (carrier, _) = server.carrier().await;
        let mut link = Link::accept(carrier, Arc::new(config())).await.unwrap();
        assert!(matches!(link.next().await.unwrap(), Event::Frames));
        let frame = link.frame().unwrap().unwrap();
        link.handle().send(Priority::Reply, crate::gateway::message(frame.id, b"")).unwrap();
        assert!(link.next().await.is_err(), "the client leaves");
    };
    soon(async { tokio::join!(client, gateway) }).await;
}

#[tokio::test]
async fn quic_has_no_byte_stream() {
    let ca = Authority::new("ca");
    let server = Server::start(Network::Quic, Some(ca.server(&["localhost"], ALWAYS).serving()));
    let endpoint = format!("quic://localhost:{}", server.addr.port()).parse().unwrap();
    let options = DialOptions { tls: ClientTls::new().ca_file(ca.ca()), ..DialOptions::default() };
    let (dialled, accepted) =
        soon(async { tokio::join!(dial(&endpoint, &options, config()), server.accepted) }).await;
    assert!(dialled.is_err());
    let error = accepted.unwrap().err().unwrap();
    assert_eq!(error, AcceptError::NoByteStream);
    assert!(error.to_string().contains("listen on tcp, tls or ws"), "{error}");
}
