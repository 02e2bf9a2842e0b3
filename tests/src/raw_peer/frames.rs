//! The frames that tests send and expect most.

use super::RawPeer;
use frontier_protocol::{
    Ack, Code, Custom, Flags, Frame, Kind, Names, Open, OpenAck, Publish, Register, RegisterAck,
    Registration, Request, Response, ping,
};
use frontier_transport::{FirstFrame, MuxStream};
use tokio::io::AsyncWriteExt;

impl RawPeer {
    /// Sends a call with the gateway's default deadline.
    pub fn request(&self, id: u64, method: &str, custom: Custom<'_>, payload: &[u8]) {
        self.send(|out| Request { timeout_ms: 0, method, custom, payload }.encode(id, out));
    }

    /// Sends a message that asks for an ack, with the gateway's default deadline.
    pub fn publish(&self, id: u64, topic: &str, custom: Custom<'_>, payload: &[u8]) {
        self.send(|out| Publish { timeout_ms: 0, topic, custom, payload }.encode_with(id, Flags::ACKED, out));
    }

    /// Answers a call well.
    pub fn respond(&self, id: u64, payload: &[u8]) {
        let response = Response { code: Code::Ok, detail: 0, custom: Custom::plain(b""), payload };
        self.send(|out| response.encode_with(id, Flags::default(), out));
    }

    /// Acks a message.
    pub fn ack(&self, id: u64) {
        self.send(|out| Ack { code: Code::Ok, detail: 0, text: "" }.encode(id, out));
    }

    /// Changes what a service takes, and returns the gateway's answer.
    ///
    /// # Panics
    /// If another frame comes first.
    pub async fn register(&mut self, change: Registration, of: Names, names: &[&str]) -> (Code, String) {
        self.send(|out| Register { change, of, names: names.to_vec() }.encode(1, out));
        let frame = self.frame().await;
        let ack = RegisterAck::parse(&frame).expect("an answer to a registration");
        (ack.code, ack.text.to_owned())
    }

    /// Registers methods.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn take_methods(&mut self, methods: &[&str]) {
        let (code, text) = self.register(Registration::Add, Names::Methods, methods).await;
        assert_eq!(code, Code::Ok, "{text}");
    }

    /// The next frame, which must be a `Response` to `id`: its code and payload.
    ///
    /// # Panics
    /// If something else comes.
    pub async fn response(&mut self, id: u64) -> (Code, Vec<u8>) {
        let frame = self.frame().await;
        let response = Response::parse(&frame).expect("a response");
        assert_eq!(frame.id, id, "a response to another call");
        (response.code, response.payload.to_vec())
    }

    /// The next frame, which must be an `Ack` of `id`: its code and text.
    ///
    /// # Panics
    /// If something else comes.
    pub async fn acked(&mut self, id: u64) -> (Code, String) {
        let frame = self.frame().await;
        let ack = Ack::parse(&frame).expect("an ack");
        assert_eq!(frame.id, id, "an ack of another message");
        (ack.code, ack.text.to_owned())
    }

    /// Sends a ping; the pong must be the next frame: everything before it has been dealt with.
    ///
    /// # Panics
    /// If something else comes.
    pub async fn is_alive(&mut self) {
        self.send(|out| {
            ping(0xa11fe, out);
            Ok(())
        });
        let Frame { kind, id, .. } = self.frame().await;
        assert_eq!((kind, id), (Kind::Pong, 0xa11fe));
    }

    /// Opens a stream that starts with `first`.
    ///
    /// # Panics
    /// If the connection is lost.
    pub async fn open_with(&self, first: &[u8]) -> MuxStream {
        let mut stream = self.open().await;
        stream.write_all(first).await.expect("the connection stands");
        stream
    }

    /// Opens a user stream: the stream if it was accepted, the code and the text if not.
    ///
    /// # Errors
    /// What the gateway or the acceptor says against it.
    ///
    /// # Panics
    /// If there is no good answer.
    pub async fn open_to(&self, peer: u64, name: &str, meta: &[u8]) -> Result<MuxStream, (Code, String)> {
        let mut first = Vec::new();
        Open { peer, timeout_ms: 0, name, meta }.encode(&mut first).expect("an open that can be encoded");
        let stream = self.open_with(&first).await;
        let FirstFrame { frame, stream } = first_frame(stream).await;
        match OpenAck::parse(&frame).expect("an answer to an open") {
            OpenAck { code: Code::Ok, .. } => Ok(stream),
            OpenAck { code, text, .. } => Err((code, text.to_owned())),
        }
    }
}

/// The frame with which the other side begins.
///
/// # Panics
/// If none comes.
pub async fn first_frame(stream: MuxStream) -> FirstFrame {
    let first = FirstFrame::read(stream, super::MAX_FRAME as usize);
    crate::within("a first frame", first).await.expect("a frame")
}

/// Accepts a stream that the gateway opened: what its opener wrote in `Open`, and the stream.
///
/// # Panics
/// If it does not start with `Open`.
pub async fn accept(stream: MuxStream) -> (Frame, MuxStream) {
    let FirstFrame { frame, mut stream } = first_frame(stream).await;
    assert_eq!(frame.kind, Kind::Open);
    let mut ack = Vec::new();
    OpenAck { code: Code::Ok, detail: 0, text: "" }.encode(&mut ack).expect("a short ack");
    stream.write_all(&ack).await.expect("the connection stands");
    (frame, stream)
}

/// A custom header of no bytes.
#[must_use]
pub fn none() -> Custom<'static> {
    Custom::plain(b"")
}
