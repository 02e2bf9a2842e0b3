//! The native wire: frames on the lane of a [`Link`], and streams beside it, as the exchange sees them.
//!
//! ```text
//!   Link ─▶ frames ─▶ decode ─▶ Exchange::on          Exchange ─▶ NativeOutlet ─▶ encode ─▶ Link
//!        ─▶ stream ─▶ first frame ─▶ Exchange::on_stream, on_payload_request, on_payload_reply
//! ```

mod decode;
mod encode;
mod leg;
mod outlet;
mod remote_callers;
mod stream;

pub(crate) use outlet::NativeOutlet;
pub(crate) use remote_callers::RemoteCallers;

use crate::config::Limits;
use decode::Decode;
use frontier_exchange::{BoxFuture, Exchange, Identity, Peer, Unsent};
use frontier_protocol::{Frame, Kind, Register, Role, Side, pong};
use frontier_transport::{CloseReason, Event, Link, LinkError, LinkHandle, Priority};
use std::sync::Arc;
use std::time::Duration;

/// A registration that is being made. Boxed, so that an idle connection does not hold the room.
pub(crate) type Registering = BoxFuture<'static, Result<(), CloseReason>>;

/// How much a service registers without a pause, in bytes of its frames: some hundreds of names.
const REGISTERED_AT_ONCE: usize = 16 * 1024;

/// What a registration counts for beside its names.
const REGISTRATION_COST: usize = 64;

/// What one of an edge counts for: it takes a copy of all that the edge has told of.
const EDGE_REGISTRATION_COST: usize = 1024;

/// What a connection of the native wire needs beside the link.
#[derive(Clone, Debug)]
pub(crate) struct Native {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) link: LinkHandle,
    /// For another gateway that asks here: in whose names it does.
    pub(crate) callers: Option<Arc<RemoteCallers>>,
    pub(crate) limits: StreamLimits,
}

/// What the first frame of a stream may be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamLimits {
    /// Its length, in bytes.
    pub(crate) frame: usize,
    /// How long it may take to come.
    pub(crate) timeout: Duration,
}

impl StreamLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { frame: limits.frame, timeout: limits.handshake_timeout }
    }
}

impl Native {
    /// Carries frames and streams until the link ends.
    pub(crate) async fn serve(&self, link: &mut Link) -> CloseReason {
        // What came in one piece with the handshake has been read already.
        let mut registering = match self.take_frames(link) {
            Ok(registering) => registering,
            Err(reason) => return reason,
        };
        loop {
            let event = match registering.take() {
                None => match link.next().await {
                    Ok(event) => event,
                    Err(error) => return error.reason(),
                },
                Some(registering) => match registering.await {
                    // For the frames behind it.
                    Ok(()) => Event::Frames,
                    Err(reason) => return reason,
                },
            };
            match self.take(event, link) {
                Ok(more) => registering = more,
                Err(reason) => return reason,
            }
        }
    }

    /// Acts on what the link reports; as [`take_frames`](Self::take_frames).
    pub(crate) fn take(&self, event: Event, link: &mut Link) -> Result<Option<Registering>, CloseReason> {
        let (stream, excess) = match event {
            Event::Frames => return self.take_frames(link),
            Event::Stream(stream) => (stream, false),
            Event::ExcessStream(stream) => (stream, true),
        };
        tokio::spawn(self.clone().on_stream(stream, excess));
        Ok(None)
    }

    /// Routes every frame that has come before anyone is woken; but a peer that registers much at once has to let
    /// others run between: then that registration is returned, and the frames behind it wait for it.
    pub(crate) fn take_frames(&self, link: &mut Link) -> Result<Option<Registering>, CloseReason> {
        let mut registered = 0;
        self.peer.hear(self.exchange.millis());
        let mut batch = self.exchange.batch();
        let decode = Decode { exchange: &self.exchange, peer: &self.peer, callers: self.callers.as_deref() };
        while let Some(frame) = link.frame().map_err(LinkError::reason)? {
            if frame.kind == Kind::Ping {
                // Fails only if the link is closed, which its next event will tell.
                let _ = self.link.send(Priority::Reply, |out| {
                    pong(frame.id, out);
                    Ok(())
                });
                continue;
            }
            if matches!(frame.kind, Kind::Request | Kind::Publish) {
                link.note_request();
            }
            if decode::is_registration(&frame) && decode::may_register(&self.peer) {
                let cost = if self.peer.is_service() { REGISTRATION_COST } else { EDGE_REGISTRATION_COST };
                registered += cost + frame.body.len();
                if registered > REGISTERED_AT_ONCE {
                    return Ok(Some(Box::pin(register(self.exchange.clone(), self.peer.clone(), frame))));
                }
            }
            decode
                .on_frame(&frame, &mut batch)
                .map_err(|violation| CloseReason::Protocol(violation.to_string()))?;
        }
        Ok(None)
    }
}

/// Makes a registration, with pauses.
async fn register(exchange: Arc<Exchange>, peer: Arc<Peer>, frame: Frame) -> Result<(), CloseReason> {
    let Register { change, of, names } =
        Register::parse(&frame).map_err(|error| CloseReason::Protocol(error.to_string()))?;
    exchange.register(&peer, frame.id, change, of, &names).await;
    Ok(())
}

#[cfg(test)]
mod tests;

/// By what rules the frames of a peer are judged.
fn side(peer: &Peer) -> Side {
    match peer.identity() {
        Identity::Edge { .. } => Side::Dialler(Role::Edge),
        Identity::Service { .. } => Side::Dialler(Role::Service),
        Identity::OriginGateway { .. } => Side::OriginGateway,
        Identity::OwnerGateway { .. } | Identity::Gateway | Identity::Lobby => Side::OwnerGateway,
    }
}

/// What was queued on a link and never sent, as the exchange takes it back: requests alone. With `is_forwarded` it was
/// queued for another gateway.
pub(crate) fn unsent(frames: &[Frame], is_forwarded: bool) -> Vec<Unsent> {
    frames.iter().filter_map(|frame| decode::unsent(frame, is_forwarded)).collect()
}
