//! A client of the original's wire, which does only what a test says.

use bytes::BytesMut;
use frontier_geminio as wire;
use frontier_geminio::{Frame, Packet, Reply, Request, RequestKind};
use frontier_tests::{Gateway, within};
use frontier_transport::{BoxedCarrier, ClientTls};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) struct Client {
    io: BoxedCarrier,
    buffer: BytesMut,
    /// What came while something else was waited for.
    kept: VecDeque<Frame>,
    last_id: u64,
    pub(crate) id: u64,
}

impl Client {
    /// Connects, and says nothing.
    pub(crate) async fn dial(addr: SocketAddr) -> Self {
        let io = within("a connection", TcpStream::connect(addr)).await.unwrap();
        io.set_nodelay(true).unwrap();
        Self::over(Box::new(io))
    }

    /// The same over TLS: or why that fails.
    pub(crate) async fn dial_tls(addr: SocketAddr, tls: &ClientTls) -> std::io::Result<Self> {
        // The original names no protocol.
        Ok(Self::over(Box::new(self::tls(addr, tls, b"").await?)))
    }

    fn over(io: BoxedCarrier) -> Self {
        Self { io, buffer: BytesMut::new(), kept: VecDeque::new(), last_id: 1 << 62, id: 0 }
    }

    /// Connects with this meta: or why it is refused.
    pub(crate) async fn connect(addr: SocketAddr, id: u64, meta: &[u8]) -> Result<Self, String> {
        Self::dial(addr).await.introduced(id, meta).await
    }

    /// Says who it is.
    pub(crate) async fn introduced(mut self, id: u64, meta: &[u8]) -> Result<Self, String> {
        self.introduce(id, meta, Duration::from_secs(20)).await.map(|()| self)
    }

    /// The same with this heartbeat.
    pub(crate) async fn introduce(
        &mut self,
        id: u64,
        meta: &[u8],
        heartbeat: Duration,
    ) -> Result<(), String> {
        let conn = wire::Conn { id, heartbeat, meta: meta.to_vec() };
        let sent = self.send(|id, out| conn.encode(id, out).unwrap()).await;
        let frame = self.next().await.ok_or("the connection ended")?;
        let Packet::ConnAck(ack) = Packet::parse(&frame).unwrap() else { panic!("{frame:?} comes first") };
        assert_eq!(frame.id, sent, "the answer is to the first packet");
        self.id = ack.id;
        if ack.error.is_empty() { Ok(()) } else { Err(ack.error) }
    }

    pub(crate) async fn edge(gateway: &Gateway) -> Self {
        Self::connect(gateway.edges(), 0, b"meta").await.unwrap()
    }

    pub(crate) async fn service(gateway: &Gateway, name: &str, methods: &[&str], topics: &[&str]) -> Self {
        let topics: Vec<_> = topics.iter().map(|topic| format!("{topic:?}")).collect();
        let meta = format!(r#"{{"service":"{name}","topics":[{}]}}"#, topics.join(","));
        let mut service = Self::connect(gateway.services(), 0, meta.as_bytes()).await.unwrap();
        for method in methods {
            service.register(method).await;
        }
        service
    }

    pub(crate) async fn register(&mut self, method: &str) {
        let id = self.send(|id, out| wire::register(id, 1, method, out).unwrap()).await;
        let frame = self.wait(|frame| frame.id == id).await;
        assert_eq!(Packet::parse(&frame), Ok(Packet::Registered(1, String::new())));
    }

    pub(crate) async fn send(&mut self, encode: impl FnOnce(u64, &mut Vec<u8>)) -> u64 {
        self.last_id += 2;
        let mut out = Vec::new();
        encode(self.last_id, &mut out);
        self.send_bytes(&out).await;
        self.last_id
    }

    /// Sends bytes. Whether the gateway still takes them does not matter.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = within("the gateway reads", self.io.write_all(bytes)).await;
    }

    /// Sends bytes, whoever takes them.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.io.write_all(bytes).await
    }

    /// Ends the sending half.
    pub(crate) async fn finish(&mut self) {
        let _ = self.io.shutdown().await;
    }

    /// The next packet, or the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = wire::decode(&mut self.buffer, wire::MAX_BODY).unwrap() {
                return Some(frame);
            }
            // A reset is an end as well.
            let read = within("a packet", self.io.read_buf(&mut self.buffer)).await;
            if !matches!(read, Ok(len) if len > 0) {
                return None;
            }
        }
    }

    pub(crate) async fn recv(&mut self) -> Frame {
        match self.kept.pop_front() {
            Some(frame) => frame,
            None => self.next().await.expect("the connection stands"),
        }
    }

    /// The next packet of which this holds; others are kept.
    pub(crate) async fn wait(&mut self, is_wanted: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.kept.iter().position(&is_wanted) {
            return self.kept.remove(at).unwrap();
        }
        loop {
            let frame = self.next().await.expect("the connection stands");
            if is_wanted(&frame) {
                return frame;
            }
            self.kept.push_back(frame);
        }
    }

    /// The next call or message.
    pub(crate) async fn asked(&mut self) -> (u64, Request<'static>) {
        let kinds = [wire::Kind::Call, wire::Kind::Message];
        let frame = self.wait(|frame| kinds.contains(&frame.kind)).await;
        let Ok(Packet::Request(it)) = Packet::parse(&frame) else { panic!("{frame:?}") };
        let request = Request {
            name: it.name.into_owned().into(),
            custom: it.custom.into_owned().into(),
            payload: it.payload.into_owned().into(),
            ..it
        };
        (frame.id, request)
    }

    pub(crate) async fn answer(&mut self, id: u64, of: &Request<'_>, outcome: Result<&[u8], &str>) {
        let (kind, session) = (of.kind, of.session);
        self.send(|_, out| Reply::encode(id, kind, session, b"", outcome, out).unwrap()).await;
    }

    /// Answers calls with what they bring, and acknowledges messages, until the connection ends.
    pub(crate) async fn echo(mut self) {
        while let Some(frame) = self.next().await {
            let Ok(Packet::Request(request)) = Packet::parse(&frame) else { continue };
            let payload = request.payload.to_vec();
            self.answer(frame.id, &request, Ok(&payload)).await;
        }
    }

    pub(crate) async fn ask(
        &mut self,
        kind: RequestKind,
        session: u64,
        name: &str,
        custom: &[u8],
        payload: &[u8],
    ) -> u64 {
        let (name, custom, payload) = (name.into(), custom.into(), payload.into());
        let request = Request { kind, session, name, custom, tail: None, payload, deadline: None };
        self.send(|id, out| request.encode(id, out).unwrap()).await
    }

    pub(crate) async fn answer_to(&mut self, id: u64) -> Result<Vec<u8>, String> {
        let kinds = [wire::Kind::Response, wire::Kind::MessageAck];
        let frame = self.wait(|frame| frame.id == id && kinds.contains(&frame.kind)).await;
        match Packet::parse(&frame) {
            Ok(Packet::Reply(reply)) => reply.outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn call(
        &mut self,
        method: &str,
        custom: &[u8],
        payload: &[u8],
    ) -> Result<Vec<u8>, String> {
        let id = self.ask(RequestKind::Call, 1, method, custom, payload).await;
        self.answer_to(id).await
    }

    pub(crate) async fn publish(&mut self, topic: &str, custom: &[u8], payload: &[u8]) -> Result<(), String> {
        let id = self.ask(RequestKind::Message, 1, topic, custom, payload).await;
        self.answer_to(id).await.map(drop)
    }

    /// Opens a stream: its session.
    pub(crate) async fn open(&mut self, peer: &str, meta: &[u8]) -> u64 {
        let number = self.last_id + 1;
        let open = wire::Open { number, chooses: true, peer: peer.to_owned(), meta: meta.to_vec() };
        let id = self.send(|id, out| open.encode(id, out).unwrap()).await;
        let frame = self.wait(|frame| frame.id == id).await;
        let Ok(Packet::OpenAck(ack)) = Packet::parse(&frame) else { panic!("{frame:?}") };
        assert_eq!((ack.number, ack.session), (number, number), "what comes early must not be lost");
        ack.session
    }

    /// Takes a stream: its session, whom it is from, and the opener's meta.
    pub(crate) async fn accept(&mut self) -> (u64, String, Vec<u8>) {
        let frame = self.wait(|frame| frame.kind == wire::Kind::Open).await;
        let Ok(Packet::Open(open)) = Packet::parse(&frame) else { panic!("{frame:?}") };
        let ack = wire::OpenAck { number: open.number, session: open.number, error: String::new() };
        self.send(|_, out| ack.encode(frame.id, out).unwrap()).await;
        (open.number, open.peer, open.meta)
    }

    pub(crate) async fn write(&mut self, session: u64, bytes: &[u8]) {
        self.send(|id, out| wire::raw(id, session, bytes, out).unwrap()).await;
    }

    /// So many raw bytes of a stream.
    pub(crate) async fn read(&mut self, session: u64, len: usize) -> Vec<u8> {
        let mut read = Vec::new();
        while read.len() < len {
            let frame = self.wait(|frame| is_raw(frame, session)).await;
            read.extend_from_slice(&frame.body[8..]);
        }
        read
    }

    /// Waits until the gateway closes a stream, and answers: the raw bytes that came before.
    pub(crate) async fn dismissed(&mut self, session: u64) -> Vec<u8> {
        let mut read = Vec::new();
        loop {
            let frame = self
                .wait(|frame| {
                    is_raw(frame, session) || (frame.kind == wire::Kind::Dismiss && is_of(frame, session))
                })
                .await;
            if frame.kind == wire::Kind::Dismiss {
                self.send(|_, out| wire::dismissed(frame.id, session, out)).await;
                return read;
            }
            read.extend_from_slice(&frame.body[8..]);
        }
    }

    /// Closes a stream, and waits until the gateway has done the same.
    pub(crate) async fn dismiss(&mut self, session: u64) {
        let id = self.send(|id, out| wire::dismiss(id, session, out)).await;
        self.wait(|frame| frame.id == id && frame.kind == wire::Kind::Dismissed).await;
        self.dismissed(session).await;
    }

    /// Waits until the connection ends: what came before that.
    pub(crate) async fn rest(&mut self) -> Vec<wire::Kind> {
        let mut kinds: Vec<_> = self.kept.drain(..).map(|frame| frame.kind).collect();
        while let Some(frame) = self.next().await {
            kinds.push(frame.kind);
        }
        kinds
    }

    /// Leaves in good order.
    pub(crate) async fn close(mut self) {
        self.dismiss(1).await;
        let id = self.send(wire::disconnect).await;
        self.wait(|frame| frame.id == id && frame.kind == wire::Kind::Disconnected).await;
        let frame = self.wait(|frame| frame.kind == wire::Kind::Disconnect).await;
        self.send(|_, out| wire::disconnected(frame.id, out)).await;
        assert_eq!(self.rest().await, []);
    }
}

/// A connection over TLS in which this protocol is named, or none.
pub(crate) async fn tls(
    addr: SocketAddr,
    tls: &ClientTls,
    alpn: &'static [u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = (*tls.load(alpn).await.unwrap()).clone();
    config.alpn_protocols.retain(|protocol| !protocol.is_empty());
    let io = within("a connection", TcpStream::connect(addr)).await?;
    let name = tls.name("").unwrap();
    within("TLS", TlsConnector::from(Arc::new(config)).connect(name, io)).await
}

fn is_of(frame: &Frame, session: u64) -> bool {
    frame.body.first_chunk() == Some(&session.to_be_bytes())
}

fn is_raw(frame: &Frame, session: u64) -> bool {
    frame.kind == wire::Kind::Raw && is_of(frame, session)
}

/// The end of a custom header that is for this edge, or from it.
pub(crate) fn tail(edge: u64) -> [u8; 8] {
    edge.to_be_bytes()
}
