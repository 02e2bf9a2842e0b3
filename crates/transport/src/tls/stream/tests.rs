//! TLS in memory: key exchange, how often it reads and writes, what it buffers, and tampered records.

use super::*;
use crate::tls::{ALPN_LINK, ClientTls, ServerTls, accept, connect, server};
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use tokio::io::{AsyncReadExt as _, DuplexStream};

/// Counts what reaches it.
struct Counting {
    io: DuplexStream,
    reads: usize,
    writes: usize,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(cx, into);
        self.reads += usize::from(read.is_ready());
        read
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes += 1;
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

type Client = TlsStream<UnbufferedClientConnection, Counting>;
type Server = TlsStream<UnbufferedServerConnection, Counting>;

/// Both ends of a connection that holds `room` bytes each way.
async fn pair(room: usize) -> (Client, Server) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, pem: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, pem).map(|()| path).unwrap()
    };
    let files = server::CertificateFiles {
        cert: write("cert", params.self_signed(&key).unwrap().pem()),
        key: write("key", key.serialize_pem()),
    };
    let config = server::ServerTlsConfig { certs: vec![files], ..server::ServerTlsConfig::default() };
    let server = ServerTls::load(config).unwrap();
    let settings = ClientTls::new().danger_accept_any_certificate().load(ALPN_LINK).await.unwrap();
    let (near, far) = tokio::io::duplex(room);
    let [near, far] = [near, far].map(|io| Counting { io, reads: 0, writes: 0 });
    let name = ClientTls::new().name("localhost").unwrap();
    let (client, server) = tokio::join!(connect(near, settings, name), accept(far, &server, &[ALPN_LINK]));
    (client.unwrap(), server.unwrap().stream)
}

fn held<S>(stream: &TlsStream<S, Counting>) -> usize {
    let engine = &stream.engine;
    engine.incoming.held() + engine.plain.held() + engine.outgoing.held()
}

#[tokio::test]
async fn keys_are_agreed_on_post_quantum() {
    let (client, server) = pair(1 << 20).await;
    for state in [client.engine.session.state(), server.engine.session.state()] {
        let group = state.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    }
}

#[tokio::test]
async fn a_write_is_one_write_and_a_read_takes_all_that_came() {
    let (mut client, mut server) = pair(1 << 20).await;
    (client.io.writes, server.io.reads) = (0, 0);
    let sent: Vec<u8> = (0..WRITE).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let (head, tail) = sent.split_at(100);
    let slices = [IoSlice::new(head), IoSlice::new(tail)];
    let written = poll_fn(|cx| Pin::new(&mut client).poll_write_vectored(cx, &slices)).await;
    assert_eq!((written.unwrap(), client.io.writes), (WRITE, 1));
    assert_eq!(held(&client), 0, "nothing is kept");
    let mut came = Vec::with_capacity(2 * WRITE);
    server.read_buf(&mut came).await.unwrap();
    assert!(came == sent);
    assert_eq!((server.io.reads, held(&server)), (1, 0));
}

#[tokio::test]
async fn what_a_reader_has_no_room_for_is_kept_for_the_next() {
    let (mut client, mut server) = pair(1 << 20).await;
    client.write_all(b"hello world").await.unwrap();
    assert_eq!(poll_fn(|cx| server.poll_peek(cx)).await.unwrap(), Some(b'h'));
    let mut came = [0; 11];
    for byte in came.chunks_mut(1) {
        server.read_exact(byte).await.unwrap();
    }
    assert_eq!((&came, held(&server)), (b"hello world", 0));
}

#[tokio::test]
async fn new_keys_are_agreed_on_though_one_side_only_reads() {
    // So little room that the answer has to wait for the peer.
    let (mut client, mut server) = pair(40).await;
    let both = async {
        for round in 0..3_u8 {
            let status = client.engine.session.process(&mut []);
            let Ok(ConnectionState::WriteTraffic(traffic)) = status.state else { panic!("not idle") };
            traffic.refresh_traffic_keys().unwrap();
            client.write_all(&[round; 1000]).await.unwrap();
            client.flush().await.unwrap();
        }
        client.shutdown().await.unwrap();
        let mut back = Vec::new();
        client.read_to_end(&mut back).await.unwrap();
        back
    };
    let other = async {
        let mut came = Vec::new();
        server.read_to_end(&mut came).await.unwrap();
        server.write_all(b"thanks").await.unwrap();
        server.shutdown().await.unwrap();
        came
    };
    let (back, came) = tokio::join!(both, other);
    assert_eq!((came.len(), &back[..]), (3000, &b"thanks"[..]));
    assert!(came.chunks(1000).zip(0..).all(|(chunk, round)| chunk.iter().all(|byte| *byte == round)));
}

#[tokio::test]
async fn what_comes_is_read_while_a_write_waits_and_new_keys_are_asked_for() {
    let (mut client, mut server) = pair(1 << 10).await;
    assert_eq!(server.write(&[7; WRITE]).await.unwrap(), WRITE);
    let rounds = 1_000;
    let ask = async {
        for _ in 0..rounds {
            let status = client.engine.session.process(&mut []);
            let Ok(ConnectionState::WriteTraffic(traffic)) = status.state else { panic!("not idle") };
            traffic.refresh_traffic_keys().unwrap();
            client.write_all(b"x").await.unwrap();
            client.flush().await.unwrap();
        }
    };
    let mut came = vec![0; rounds];
    let both = async { tokio::join!(ask, server.read_exact(&mut came)).1 };
    let read = tokio::time::timeout(std::time::Duration::from_secs(20), both).await;
    read.expect("it reads on").unwrap();
    let waits = server.engine.outgoing.len();
    assert!((WRITE / 2..BACKLOG).contains(&waits), "one answer at most is owed beside the write: {waits}");
    let mut back = vec![0; WRITE];
    let (flushed, read) = tokio::join!(server.flush(), client.read_exact(&mut back));
    flushed.unwrap();
    read.unwrap();
    assert!(back.iter().all(|byte| *byte == 7));
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_an_error_that_the_peer_is_told() {
    let (client, mut server) = pair(1 << 20).await;
    let mut raw = client.io.io;
    raw.write_all(&[0x17, 3, 3, 0, 40]).await.unwrap();
    raw.write_all(&[7; 40]).await.unwrap();
    let error = server.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0, "an error ends it");
    assert!(server.write_all(b"x").await.is_err());
    server.shutdown().await.unwrap();
    let mut alert = Vec::new();
    raw.read_to_end(&mut alert).await.unwrap();
    assert!(!alert.is_empty());
}

#[tokio::test]
async fn what_has_come_is_read_to_its_end_after_a_write_has_failed() {
    let (mut client, mut server) = pair(1 << 16).await;
    server.write_all(b"fare").await.unwrap();
    server.write_all(b"well").await.unwrap();
    server.flush().await.unwrap();
    drop(server);
    assert!(client.write_all(b"too late").await.is_err());
    let mut came = Vec::new();
    client.read_to_end(&mut came).await.unwrap();
    assert_eq!(came, b"farewell");
    assert!(client.write_all(b"again").await.is_err());
}

#[tokio::test]
async fn an_alert_is_heard_of_a_server_that_left_before_it_was_asked() {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    // Fatal: handshake_failure.
    far.write_all(&[0x15, 3, 3, 0, 2, 2, 40]).await.unwrap();
    drop(far);
    let settings = ClientTls::new().danger_accept_any_certificate().load(ALPN_LINK).await.unwrap();
    let name = ClientTls::new().name("localhost").unwrap();
    let error = connect(near, settings, name).await.err().unwrap();
    assert!(matches!(error, TlsError::Refused(..)), "{error:?}");
}
