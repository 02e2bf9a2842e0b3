mod away;

use super::balance::Tried;
use super::forward::receiver;
use super::pump::{self, Leg};
use super::route::offline;
use super::{Exchange, Failure};
use crate::forwarding::Guest;
use crate::peer::Peer;
use away::Elsewhere;
use frontier_protocol::{
    Code, EdgeId, Flags, Frame, HEADER_LEN, Kind, Open, OpenAck, ParseError, split_remote_caller,
};
use frontier_transport::{CloseReason, FirstFrame, FirstFrameError, MuxStream, OpenError};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::AsyncWriteExt;

/// What the opener of a stream wants.
#[derive(Debug)]
struct Wish<'a> {
    to: To,
    name: &'a str,
    /// The opener's own.
    meta: &'a [u8],
}

/// Whom a stream is for.
#[derive(Debug)]
enum To {
    /// A service of the name that the opener, this edge, gives.
    Service(EdgeId),
    Edge(EdgeId),
    /// The edge, for a service of another gateway.
    EdgeFor(EdgeId, Arc<Guest>),
}

impl Exchange {
    /// Acts on a stream that `peer` opened: a user stream, or one that carries a detached payload. With
    /// `excess` the peer has more streams than it may have, and is told so.
    pub(crate) async fn on_stream(self: Arc<Self>, peer: Arc<Peer>, stream: MuxStream, excess: bool) {
        let first = FirstFrame::read(stream, self.limits.frame);
        let first = match tokio::time::timeout(self.limits.handshake_timeout, first).await {
            Ok(Ok(first)) => first,
            Ok(Err(FirstFrameError::Decode(error))) => {
                return peer.link.close(CloseReason::Protocol(error.to_string()));
            }
            // Gone, or silent: the stream is reset.
            Ok(Err(_)) | Err(_) => return,
        };
        let FirstFrame { frame, stream } = first;
        let done = match frame.kind {
            // Another gateway either asks or answers, and never both over one link.
            kind if peer.is_holder() && kind != Kind::Response => {
                Err(super::Breach::new(format!("a stream of a holder must not start with {kind:?}")))
            }
            Kind::Response if peer.is_forwarder() => {
                Err(super::Breach::new("a stream of a forwarder must not start with an answer"))
            }
            Kind::Open if excess => {
                refuse(stream, &self.too_many_streams()).await;
                Ok(())
            }
            Kind::Open => self.on_open(&peer, &frame, stream).await,
            Kind::Request | Kind::Publish if frame.flags.has(Flags::DETACHED) => {
                self.on_detached_question(&peer, &frame, stream, excess).await
            }
            Kind::Response if frame.flags.has(Flags::DETACHED) => {
                self.on_detached_answer(&peer, &frame, stream).await
            }
            kind => Err(super::Breach::new(format!("a stream must not start with {kind:?}"))),
        };
        if let Err(breach) = done {
            peer.link.close(CloseReason::Protocol(breach.to_string()));
        }
    }

    pub(super) fn too_many_streams(&self) -> Failure {
        Failure::new(
            Code::Overloaded,
            format!("{} streams are open, the most there may be", self.limits.streams),
        )
    }

    async fn on_open(
        &self,
        opener: &Arc<Peer>,
        frame: &Frame,
        mut stream: MuxStream,
    ) -> Result<(), super::Breach> {
        let open = Open::parse(frame)?;
        let deadline = self.deadline(open.timeout_ms, Instant::now());
        let wish = self.wish(opener, open);
        let failure = match wish.and_then(|wish| self.permit_stream(opener, open.name).map(|()| wish)) {
            Err(failure) => failure,
            Ok(wish) => {
                let opened =
                    tokio::time::timeout_at(deadline.into(), self.open_target(opener, &wish, deadline));
                let opened = tokio::select! {
                    opened = opened => opened,
                    // Whoever it was for is told by the reset of the second leg.
                    () = stream.abandoned() => return Ok(()),
                };
                let late = |_| Err(Failure::new(Code::Deadline, "the stream was not accepted in time"));
                match opened.unwrap_or_else(late) {
                    Ok((target, onward)) => {
                        let opened = Leg { stream, payer: opener.clone() };
                        if accept(opened, Leg { stream: onward, payer: target }).await.is_err() {
                            // The opener is gone; the target's stream was dropped and so reset.
                        }
                        return Ok(());
                    }
                    Err(failure) => failure,
                }
            }
        };
        refuse(stream, &failure).await;
        Ok(())
    }

    /// Reads what `opener` wants, within the limits.
    fn wish<'a>(&self, opener: &Peer, open: Open<'a>) -> Result<Wish<'a>, Failure> {
        let (to, meta) = if opener.is_forwarder() {
            let missing = || Failure::new(Code::Protocol, "the meta is too short to end with who asks");
            let (meta, caller) = split_remote_caller(open.meta).ok_or_else(missing)?;
            (To::EdgeFor(EdgeId(open.peer), Self::guest(opener, caller)?), meta)
        } else if let Some(id) = opener.edge_id() {
            (To::Service(id), open.meta)
        } else {
            (To::Edge(EdgeId(open.peer)), open.meta)
        };
        if meta.len() > self.limits.meta {
            let text = format!("a meta of {} bytes is over the limit of {}", meta.len(), self.limits.meta);
            return Err(Failure::new(Code::TooLarge, text));
        }
        self.check_name(open.name)?;
        Ok(Wish { to, name: open.name, meta })
    }

    /// Opens the second leg of a stream and waits until the acceptor has taken it.
    async fn open_target(
        &self,
        opener: &Peer,
        wish: &Wish<'_>,
        deadline: Instant,
    ) -> Result<(Arc<Peer>, MuxStream), Failure> {
        let Wish { to, name, meta } = wish;
        let (mut tried, mut elsewhere) = (Tried::new(), Elsewhere::default());
        loop {
            let peer = opener.wire_id();
            let (target, onward) = match to {
                To::Service(id) => {
                    (self.route_stream(opener, *id, name, &tried)?, Open { peer, timeout_ms: 0, name, meta })
                }
                To::EdgeFor(id, guest) => {
                    let edge = self.registry.edges.online(*id).ok_or_else(|| offline(*id))?;
                    self.permit_guest(opener, guest, None, *id, &edge)?;
                    (edge, Open { peer: guest.id.0, timeout_ms: 0, name: &guest.name, meta })
                }
                To::Edge(id) => match self.registry.edges.online(*id) {
                    Some(edge) => {
                        self.permit_reach(opener, *id, &edge)?;
                        (edge, Open { peer, timeout_ms: 0, name: opener.name(), meta })
                    }
                    None => match self.open_away(opener, *id, meta, &mut elsewhere, deadline).await? {
                        Some(opened) => return Ok(opened),
                        None => continue,
                    },
                },
            };
            let to_edge = !matches!(to, To::Service(_));
            if to_edge && tried.iter().any(|gone| Arc::ptr_eq(gone, &target)) {
                return Err(offline(EdgeId(target.wire_id())));
            }
            match self.open_at(&target, onward, deadline).await {
                Some(outcome) => return outcome.map(|stream| (target, stream)),
                None => tried.push(target),
            }
        }
    }

    /// `None` if the target is gone and another may be tried.
    async fn open_at(
        &self,
        target: &Peer,
        open: Open<'_>,
        deadline: Instant,
    ) -> Option<Result<MuxStream, Failure>> {
        let mut stream = match target.link.open_stream().await {
            Ok(stream) => stream,
            Err(OpenError::Closed) => return None,
            Err(OpenError::TooMany(_)) => {
                let text = format!("{} has no room for streams", receiver(target));
                return Some(Err(Failure::new(Code::Overloaded, text)));
            }
        };
        // It may have left meanwhile, and hang up before it sees this.
        if !target.is_online() {
            return None;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout_ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1);
        let onward = Open { timeout_ms, ..open };
        let mut head = Vec::with_capacity(64 + onward.name.len() + onward.meta.len());
        if let Err(error) = onward.encode(&mut head) {
            return Some(Err(Failure::new(Code::TooLarge, error.to_string())));
        }
        if stream.write_all(&head).await.is_err() {
            return None;
        }
        let (ack, stream) = match FirstFrame::read(stream, self.limits.frame).await {
            Ok(FirstFrame { frame, stream }) => (frame, stream),
            Err(FirstFrameError::Decode(error)) => {
                target.link.close(CloseReason::Protocol(error.to_string()));
                return Some(Err(Failure::new(Code::Protocol, "the receiver broke the protocol")));
            }
            Err(_) if target.link.is_closed() => return None,
            Err(_) => return Some(Err(Failure::new(Code::StreamRefused, "the receiver reset the stream"))),
        };
        Some(match OpenAck::parse(&ack) {
            Ok(OpenAck { code: Code::Ok, .. }) => Ok(stream),
            Ok(OpenAck { code, detail, text }) => Err(Failure::new(code, text.to_owned()).detailed(detail)),
            Err(error) => Err(broken(target, &error)),
        })
    }
}

pub(super) fn broken(target: &Peer, error: &ParseError) -> Failure {
    target.link.close(CloseReason::Protocol(error.to_string()));
    Failure::new(Code::Protocol, "the receiver broke the protocol")
}

/// Tells another gateway that a payload may come.
pub(super) async fn go_ahead(stream: &mut MuxStream) -> Result<(), Failure> {
    let mut ack = Vec::with_capacity(HEADER_LEN);
    let encoded = OpenAck { code: Code::Ok, detail: 0, text: "" }.encode(&mut ack);
    let gone = |_| Failure::plain(Code::Disconnected);
    encoded.map_err(|_| Failure::plain(Code::Internal))?;
    stream.write_all(&ack).await.map_err(gone)
}

/// Tells the opener that its stream stands, and joins the two legs until they end.
async fn accept(mut opened: Leg, target: Leg) -> std::io::Result<()> {
    let mut ack = Vec::with_capacity(HEADER_LEN);
    OpenAck { code: Code::Ok, detail: 0, text: "" }.encode(&mut ack).map_err(std::io::Error::other)?;
    opened.stream.write_all(&ack).await?;
    pump::join(opened, target).await;
    Ok(())
}

/// Tells the opener why its stream does not stand.
pub(super) async fn refuse(mut stream: MuxStream, failure: &Failure) {
    let mut ack = Vec::new();
    let Failure { code, detail, text } = failure;
    let encoded = OpenAck { code: *code, detail: *detail, text }.encode(&mut ack);
    if encoded.is_ok() && stream.write_all(&ack).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}
