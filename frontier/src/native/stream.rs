//! Streams that a peer opens: user streams, and those that carry a detached payload.

use super::Native;
use super::decode::{Decode, NO_TRACE, broken};
use super::leg::NativeLeg;
use frontier_exchange::{Envelope, StreamRequest, StreamTarget, Violation};
use frontier_protocol::{EdgeId, Flags, Frame, Kind, Open, split_remote_caller, split_trace};
use frontier_transport::{CloseReason, FirstFrame, FirstFrameError, MuxStream};
use std::time::Instant;

const NO_EDGE_ID: &str = "the stream is for the EdgeID 0, which no edge has";
const NO_CALLER: &str = "the meta is too short to end with who asks";

impl Native {
    /// Acts on a stream that the peer opened. With `excess` it has more streams than it may have, and is told so.
    pub(super) async fn on_stream(self, stream: MuxStream, excess: bool) {
        let first = FirstFrame::read(stream, self.limits.frame);
        let first = match tokio::time::timeout(self.limits.timeout, first).await {
            Ok(Ok(first)) => first,
            Ok(Err(FirstFrameError::Decode(error))) => return self.close(error.to_string()),
            // Gone, or silent: the stream is reset.
            Ok(Err(_)) | Err(_) => return,
        };
        let FirstFrame { frame, stream } = first;
        let leg = Box::new(NativeLeg::new(stream));
        let done = match frame.kind {
            // Another gateway either asks or answers, and never both over one link.
            kind if self.peer.is_owner_gateway() && kind != Kind::Response => {
                Err(Violation::new(format!("a stream of an owner gateway must not start with {kind:?}")))
            }
            Kind::Response if self.peer.is_origin_gateway() => {
                Err(Violation::new("a stream of an origin gateway must not start with an answer"))
            }
            Kind::Open => self.on_open(&frame, leg, excess).await,
            Kind::Request | Kind::Publish if frame.flags.has(Flags::DETACHED) => {
                self.on_detached_request(&frame, leg, excess).await
            }
            Kind::Response if frame.flags.has(Flags::DETACHED) => self.on_detached_reply(&frame, leg).await,
            kind => Err(Violation::new(format!("a stream must not start with {kind:?}"))),
        };
        if let Err(violation) = done {
            self.close(violation.to_string());
        }
    }

    fn close(&self, violation: String) {
        self.link.close(CloseReason::Protocol(violation));
    }

    fn decode(&self) -> Decode<'_> {
        Decode { exchange: &self.exchange, peer: &self.peer, callers: self.callers.as_deref() }
    }

    async fn on_open(&self, frame: &Frame, leg: Box<NativeLeg>, excess: bool) -> Result<(), Violation> {
        let open = Open::parse(frame).map_err(|error| broken(&error))?;
        let deadline = self.exchange.deadline(open.timeout_ms, Instant::now());
        let (found, edge);
        let (to, meta) = match (&self.callers, self.peer.edge_id()) {
            (Some(_), _) if open.peer == 0 => (StreamTarget::Unreadable(NO_EDGE_ID), open.meta),
            (Some(callers), _) => match split_remote_caller(open.meta) {
                Some((meta, caller)) if frame.flags.has(Flags::BY_NAME) => {
                    edge = callers.edge(EdgeId(open.peer), caller);
                    (StreamTarget::LocalName(&edge), meta)
                }
                Some((meta, caller)) => {
                    found = callers.get(caller);
                    (StreamTarget::LocalEdge(EdgeId(open.peer), &found), meta)
                }
                None => (StreamTarget::Unreadable(NO_CALLER), open.meta),
            },
            (None, Some(_)) => (StreamTarget::Name, open.meta),
            (None, None) => (StreamTarget::Edge(EdgeId(open.peer)), open.meta),
        };
        let traced = if frame.flags.has(Flags::TRACED) { split_trace(meta) } else { Some((meta, &b""[..])) };
        let (to, meta, trace) = match traced {
            Some((meta, trace)) => (to, meta, trace),
            None => (StreamTarget::Unreadable(NO_TRACE), meta, &b""[..]),
        };
        let request = StreamRequest { to, name: open.name, meta, trace, deadline };
        self.exchange.on_stream(&self.peer, request, leg, excess).await;
        Ok(())
    }

    /// A call or a message whose payload follows.
    async fn on_detached_request(
        &self,
        frame: &Frame,
        leg: Box<NativeLeg>,
        excess: bool,
    ) -> Result<(), Violation> {
        let mut caller = None;
        let envelope = self.decode().request(frame, Instant::now(), &mut caller)?;
        let len = announced(envelope.payload);
        let envelope = Envelope { payload: b"", ..envelope };
        self.exchange.on_payload_request(&self.peer, envelope, len, leg, excess).await
    }

    /// A reply to a call, whose payload follows.
    async fn on_detached_reply(&self, frame: &Frame, leg: Box<NativeLeg>) -> Result<(), Violation> {
        let (reply, payload) = self.decode().response(frame)?;
        self.exchange.on_payload_reply(&self.peer, reply, announced(payload), leg).await
    }
}

/// The length that stands in place of a detached payload; the parser has seen that it is there.
fn announced(payload: &[u8]) -> u64 {
    payload.first_chunk().map_or(0, |len| u64::from(u32::from_be_bytes(*len)))
}
