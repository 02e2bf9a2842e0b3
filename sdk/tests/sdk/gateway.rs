//! A gateway that does nothing by itself but answer pings.

use bytes::Bytes;
use frontier_protocol::{
    Code, Custom, EncodeError, Epoch, Flags, Frame, Hello, Kind, Names, Publish, Register, RegisterAck,
    Reject, Request, Response, Role, Session, Welcome, pong,
};
use frontier_sdk::{Builder, Edge, Service};
use frontier_transport::{
    Accepted, Bind, CloseReason, Event, FirstFrame, Link, LinkConfig, LinkHandle, Listener, MuxStream,
    Priority,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Longer than anything takes that goes well.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) const MAX_PAYLOAD: u64 = 1024 * 1024;

pub(crate) struct Gateway {
    listener: Listener,
    pub(crate) url: String,
}

/// A connection that has said hello and waits for an answer.
pub(crate) struct Caller {
    link: Link,
    pub(crate) role: Role,
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) topics: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) features: u32,
    pub(crate) meta: Bytes,
    pub(crate) token: Option<String>,
    pub(crate) session: Session,
}

/// A connection that was welcomed.
pub(crate) struct Peer {
    pub(crate) link: LinkHandle,
    frames: mpsc::UnboundedReceiver<Frame>,
    streams: mpsc::UnboundedReceiver<MuxStream>,
    task: JoinHandle<()>,
    last_word: Option<oneshot::Sender<Vec<u8>>>,
}

/// Fails the test instead of waiting for ever.
pub(crate) async fn soon<F: IntoFuture>(future: F) -> F::Output {
    tokio::time::timeout(TEST_TIMEOUT, future.into_future()).await.expect("took too long")
}

impl Gateway {
    pub(crate) fn bind() -> Self {
        let listener = Listener::bind(Bind::tcp(([127, 0, 0, 1], 0).into())).unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    pub(crate) async fn accept(&mut self) -> Caller {
        soon(async {
            let Accepted { incoming, .. } = self.listener.accept().await;
            let config = LinkConfig {
                max_frame: 256 * 1024,
                outbox_soft: 64 * 1024 * 1024,
                outbox_hard: 128 * 1024 * 1024,
                max_streams: 2048,
                window_growth: LinkConfig::WINDOW_GROWTH,
                bulk_rate: LinkConfig::BULK_RATE,
            };
            let (mut link, _) = incoming.link(Arc::new(config)).await.unwrap();
            loop {
                if let Some(frame) = link.frame().unwrap() {
                    let hello = Hello::parse(&frame).unwrap();
                    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
                    return Caller {
                        link,
                        role: hello.role,
                        id: hello.id,
                        name: hello.name.to_owned(),
                        topics: owned(hello.topics),
                        methods: owned(hello.methods),
                        features: hello.features,
                        meta: Bytes::copy_from_slice(hello.meta),
                        session: hello.session.unwrap(),
                        token: hello.token.map(|token| token.expose().to_owned()),
                    };
                }
                link.next().await.unwrap();
            }
        })
        .await
    }

    /// Accepts the next connection and welcomes it with the id 7, or the one that it asks for.
    pub(crate) async fn welcome(&mut self) -> Peer {
        self.accept().await.welcome()
    }

    pub(crate) fn edge(&self) -> Builder<Edge> {
        Edge::builder(&self.url).backoff(Duration::ZERO, Duration::from_millis(10))
    }

    pub(crate) fn service(&self) -> Builder<Service> {
        Service::builder(&self.url).backoff(Duration::ZERO, Duration::from_millis(10))
    }

    pub(crate) async fn connected_edge(&mut self) -> (Edge, Peer) {
        let (edge, peer) = tokio::join!(self.edge().connect(), self.welcome());
        (edge.unwrap(), peer)
    }

    pub(crate) async fn connected_service(&mut self) -> (Service, Peer) {
        let (service, peer) = tokio::join!(self.service().name("files").connect(), self.welcome());
        (service.unwrap(), peer)
    }
}

impl Caller {
    pub(crate) fn welcome(self) -> Peer {
        self.welcome_unread().drive()
    }

    /// Welcomes with these features.
    pub(crate) fn welcome_with(self, features: u32) -> Peer {
        let welcome = self.granted(features);
        self.welcome_as(&welcome).drive()
    }

    /// Welcomes, but reads nothing more until it is driven.
    pub(crate) fn welcome_unread(self) -> Unread {
        let welcome = self.granted(0);
        self.welcome_as(&welcome)
    }

    fn granted(&self, features: u32) -> Welcome {
        Welcome {
            version: frontier_protocol::VERSION,
            features,
            max_frame: 256 * 1024,
            heartbeat_ms: 60_000,
            id: if self.id == 0 { 7 } else { self.id },
            epoch: Epoch(1),
            max_payload: MAX_PAYLOAD,
            directory_time: None,
        }
    }

    pub(crate) fn welcome_as(self, welcome: &Welcome) -> Unread {
        self.link.handle().send(Priority::Reply, |out| welcome.encode(out)).unwrap();
        Unread(self.link)
    }

    pub(crate) async fn reject(self, code: Code, text: &str) {
        self.reject_with(code, 0, text).await;
    }

    pub(crate) async fn reject_with(self, code: Code, detail: u32, text: &str) {
        let reject = Reject { code, detail, text };
        let _ = soon(self.link.close(|out| reject.encode(out))).await;
    }
}

pub(crate) struct Unread(Link);

impl Unread {
    /// Writes the welcome, and stops to look at the connection.
    pub(crate) async fn flush(mut self) -> Self {
        let handle = self.0.handle();
        tokio::select! {
            _ = self.0.next() => {}
            () = async { while handle.backlog() > 0 { tokio::task::yield_now().await } } => {}
        }
        self
    }

    pub(crate) fn drive(self) -> Peer {
        let link = self.0.handle();
        let (frames_in, frames) = mpsc::unbounded_channel();
        let (streams_in, streams) = mpsc::unbounded_channel();
        let (last_word, is_last) = oneshot::channel::<Vec<u8>>();
        let mut owned = self.0;
        let task = tokio::spawn(async move {
            tokio::select! {
                () = drive(&mut owned, frames_in, streams_in) => {}
                Ok(word) = is_last => {
                    let _ = owned.close(|out| { out.extend_from_slice(&word); Ok(()) }).await;
                }
            }
        });
        Peer { link, frames, streams, task, last_word: Some(last_word) }
    }
}

async fn drive(
    link: &mut Link,
    frames: mpsc::UnboundedSender<Frame>,
    streams: mpsc::UnboundedSender<MuxStream>,
) {
    let handle = link.handle();
    loop {
        while let Ok(Some(frame)) = link.frame() {
            if frame.kind == Kind::Ping {
                let _ = handle.send(Priority::Reply, |out| {
                    pong(frame.id, out);
                    Ok(())
                });
            } else if frames.send(frame).is_err() {
                return;
            }
        }
        match link.next().await {
            Ok(Event::Frames) => {}
            Ok(Event::Stream(stream) | Event::ExcessStream(stream)) => {
                let _ = streams.send(stream);
            }
            Err(_) => return,
        }
    }
}

impl Peer {
    /// The next frame.
    pub(crate) async fn next(&mut self) -> Frame {
        soon(self.frames.recv()).await.expect("the connection is open")
    }

    /// The next frame, which must be of that kind.
    pub(crate) async fn expect(&mut self, kind: Kind) -> Frame {
        let frame = self.next().await;
        assert_eq!(frame.kind, kind, "{frame:?}");
        frame
    }

    /// The next stream's first frame, and the stream.
    pub(crate) async fn expect_stream(&mut self) -> FirstFrame {
        let stream = soon(self.streams.recv()).await.expect("the connection is open");
        soon(FirstFrame::read(stream, 256 * 1024)).await.unwrap()
    }

    /// Waits until the client has ended the connection.
    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(soon(self.frames.recv()).await, None);
    }

    pub(crate) fn has_frame(&mut self) -> bool {
        !self.frames.is_empty()
    }

    pub(crate) fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
        self.link.send(Priority::Reply, encode).unwrap();
    }

    pub(crate) fn request(&self, id: u64, method: &str, payload: &[u8]) {
        let custom = Custom::plain(b"");
        self.send(|out| Request { timeout_ms: 10_000, method, custom, payload }.encode(id, out));
    }

    pub(crate) fn publish(&self, id: u64, topic: &str, payload: &[u8]) {
        let custom = Custom::plain(b"");
        let flags = if id == 0 { Flags::default() } else { Flags::ACKED };
        let publish = Publish { timeout_ms: 0, topic, custom, payload };
        self.send(|out| publish.encode_with(id, flags, out));
    }

    pub(crate) fn respond(&self, id: u64, payload: &[u8]) {
        let response = Response { code: Code::Ok, detail: 0, custom: Custom::plain(b""), payload };
        self.send(|out| response.encode_with(id, Flags::default(), out));
    }

    /// Takes the next frame, a registration, agrees with it, and returns its names.
    pub(crate) async fn agree(&mut self) -> (Names, Vec<String>) {
        let frame = soon(self.frames.recv()).await.expect("the connection is open");
        let Register { change, of, names } = Register::parse(&frame).unwrap();
        self.send(|out| RegisterAck { change, code: Code::Ok, text: "" }.encode(frame.id, out));
        (of, names.into_iter().map(str::to_owned).collect())
    }

    /// Opens a stream and writes `bytes` on it.
    pub(crate) async fn stream(&self, bytes: &[u8]) -> MuxStream {
        let mut stream = soon(self.link.open_stream()).await.unwrap();
        soon(stream.write_all(bytes)).await.unwrap();
        soon(stream.flush()).await.unwrap();
        stream
    }

    /// Ends the connection in good order, with one more frame.
    pub(crate) async fn say_and_hang_up(
        mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) {
        let mut word = Vec::new();
        encode(&mut word).unwrap();
        self.last_word.take().unwrap().send(word).unwrap();
        soon(&mut self.task).await.unwrap();
    }

    /// Cuts the connection.
    pub(crate) fn cut(self) {
        self.link.close(CloseReason::Local);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
