//! Streams that the gateway opened: user streams, and detached payloads.

use super::Connection;
use crate::TraceContext;
use crate::client::Client;
use crate::queue::Refused;
use crate::stream::{Peer, Stream};
use bytes::{Bytes, BytesMut};
use frontier_protocol::{
    Code, EdgeId, Flags, Frame, HEADER_LEN, Kind, Open, OpenAck, PeerText, Role, ServiceId,
};
use frontier_transport::{FirstFrame, MuxStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

/// How long the gateway may take for the next piece of what it began.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest first frame of a stream: that with names and headers of full length.
const MAX_FIRST_FRAME: usize = frontier_protocol::MIN_MAX_FRAME as usize;

/// A frame whose payload came behind it, whole.
pub(super) struct DetachedFrame {
    pub(super) frame: Frame,
    pub(super) payload: Bytes,
}

/// One stream that the gateway opened, until it is known what it carries.
pub(super) struct IncomingStream {
    pub(super) client: Arc<Client>,
    pub(super) connection: Arc<Connection>,
    /// Where detached frames go. Waiting for room there slows down the gateway's stream.
    pub(super) arrived: mpsc::Sender<DetachedFrame>,
    /// Whether the stream is one too many, and only to be refused.
    pub(super) is_excess: bool,
}

impl IncomingStream {
    pub(super) async fn receive(self, stream: MuxStream) {
        let connection = self.connection.clone();
        let _work = Work::begin(&connection);
        match timeout(READ_TIMEOUT, FirstFrame::read(stream, MAX_FIRST_FRAME)).await {
            Ok(Ok(FirstFrame { frame, stream })) => self.dispatch(frame, stream).await,
            Ok(Err(error)) => {
                debug!(error = %PeerText(error), "an incoming stream was reset: it does not start with a frame")
            }
            Err(_) => debug!("an incoming stream was reset: no frame within {READ_TIMEOUT:?}"),
        }
    }

    async fn dispatch(self, frame: Frame, stream: MuxStream) {
        match frame.kind {
            Kind::Open => self.accept(&frame, stream).await,
            Kind::Publish | Kind::Request | Kind::Response if frame.flags.has(Flags::DETACHED) => {
                self.collect(frame, stream).await;
            }
            kind => debug!(?kind, "an incoming stream was reset: no stream starts with this kind of frame"),
        }
    }

    async fn accept(&self, frame: &Frame, mut stream: MuxStream) {
        let open = match Open::parse(frame) {
            Ok(open) => open,
            Err(error) => {
                return debug!(error = %PeerText(error), "an incoming stream was reset: its Open frame is damaged");
            }
        };
        let Some((meta, trace)) = TraceContext::split(open.meta, frame.flags) else {
            return debug!(
                "an incoming stream was reset: its trace context is longer than what it stands in"
            );
        };
        let peer = match (self.connection.role, open.peer) {
            (_, 0) => {
                return refuse(stream, Code::Protocol, "the stream is from the id 0, which nobody has").await;
            }
            (Role::Service, id) => Peer::Edge(EdgeId(id)),
            (Role::Edge | Role::Frontier, id) => {
                Peer::Service { id: Some(ServiceId(id)), name: open.name.to_owned() }
            }
        };
        if self.is_excess {
            return refuse(stream, Code::Overloaded, "too many streams").await;
        }
        let place = match self.client.intake.accepts.reserve() {
            Ok(place) => place,
            Err(Refused::Full(())) => {
                return refuse(stream, Code::Overloaded, "too many streams wait to be accepted").await;
            }
            Err(Refused::Closed(())) => return refuse(stream, Code::Draining, "").await,
        };
        if answer(&mut stream, Code::Ok, "").await.is_ok() {
            let meta = frame.body.slice_ref(meta);
            let config = self.client.options.stream.clone();
            let runtime = self.client.executor.user().clone();
            place.fill(Stream::new(stream, peer, meta, config, runtime).traced(trace));
        }
    }

    async fn collect(self, frame: Frame, mut stream: MuxStream) {
        let len = detached_len(&frame);
        if self.is_excess {
            return self.refuse_detached(&frame, Code::Overloaded, "too many streams");
        }
        if u64::from(len) > self.connection.max_payload {
            return self.refuse_detached(&frame, Code::TooLarge, "the payload is over the agreed limit");
        }
        match payload(&mut stream, len as usize).await {
            Some(payload) => {
                // A drop alone would say that it was given up.
                if stream.shutdown().await.is_ok() {
                    stream.linger();
                }
                // Fails only when the connection's task is gone.
                let _ = self.arrived.send(DetachedFrame { frame, payload }).await;
            }
            // The gateway, which lost the rest, answers the sender.
            None => debug!(kind = ?frame.kind, len, "a detached payload ended early"),
        }
    }

    fn refuse_detached(&self, frame: &Frame, code: Code, text: &str) {
        match frame.kind {
            Kind::Request => self.connection.refuse_request(frame.id, code, text),
            Kind::Publish => self.connection.refuse_message(frame.id, code, text),
            _ => self.connection.fail_pending(frame.id, code, text),
        }
    }
}

/// The length of a detached payload, which stands at the end of its frame.
fn detached_len(frame: &Frame) -> u32 {
    frame.body.last_chunk().map_or(0, |len| u32::from_be_bytes(*len))
}

/// Exactly `len` bytes, or `None` if fewer come. Memory grows with what has come, not with `len`.
async fn payload(stream: &mut MuxStream, len: usize) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    if len == 0 {
        return Some(Bytes::new());
    }
    loop {
        let mut chunk = timeout(READ_TIMEOUT, stream.chunk()).await.ok()??.ok()?;
        chunk.truncate(len - whole.len());
        if whole.is_empty() && chunk.len() == len {
            return Some(chunk);
        }
        whole.extend_from_slice(&chunk);
        if whole.len() == len {
            return Some(whole.freeze());
        }
    }
}

async fn answer(stream: &mut MuxStream, code: Code, text: &str) -> std::io::Result<()> {
    let mut frame = Vec::with_capacity(HEADER_LEN + 4 + text.len());
    OpenAck { code, detail: 0, text }.encode(&mut frame).map_err(std::io::Error::other)?;
    stream.write_all(&frame).await?;
    stream.flush().await
}

async fn refuse(mut stream: MuxStream, code: Code, text: &str) {
    if answer(&mut stream, code, text).await.is_ok() && stream.shutdown().await.is_ok() {
        // A drop might take the answer along.
        stream.linger();
    }
}

/// Counts as work of the connection while it exists.
struct Work<'a>(&'a Connection);

impl<'a> Work<'a> {
    fn begin(connection: &'a Connection) -> Self {
        connection.work_begins();
        Self(connection)
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.work_ends();
    }
}
