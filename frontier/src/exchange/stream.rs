use super::balance::Tried;
use super::pump::{self, Leg};
use super::route::offline;
use super::{Exchange, Failure};
use crate::peer::Peer;
use frontier_protocol::{Code, EdgeId, Flags, Frame, HEADER_LEN, Kind, Open, OpenAck, ParseError};
use frontier_transport::{CloseReason, FirstFrame, FirstFrameError, MuxStream, OpenError};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::AsyncWriteExt;

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
        let failure = if open.meta.len() > self.limits.meta {
            let text =
                format!("a meta of {} bytes is over the limit of {}", open.meta.len(), self.limits.meta);
            Failure::new(Code::TooLarge, text)
        } else if open.name.len() > self.limits.name_len {
            let text =
                format!("a name of {} bytes is over the limit of {}", open.name.len(), self.limits.name_len);
            Failure::new(Code::TooLarge, text)
        } else if let Err(failure) = self.permit_stream(opener, open.name) {
            failure
        } else {
            let opened = tokio::select! {
                opened = self.open_target(opener, open, deadline) => opened,
                // Whoever it was for is told by the reset of the second leg.
                () = stream.abandoned() => return Ok(()),
            };
            match opened {
                Ok((target, onward)) => {
                    let opened = Leg { stream, payer: opener.clone() };
                    if accept(opened, Leg { stream: onward, payer: target }).await.is_err() {
                        // The opener is gone; the target's stream was dropped and so reset.
                    }
                    return Ok(());
                }
                Err(failure) => failure,
            }
        };
        refuse(stream, &failure).await;
        Ok(())
    }

    /// Opens the second leg of a stream and waits until the acceptor has taken it.
    async fn open_target(
        &self,
        opener: &Peer,
        open: Open<'_>,
        deadline: Instant,
    ) -> Result<(Arc<Peer>, MuxStream), Failure> {
        let mut tried = Tried::new();
        loop {
            let target = match opener.edge_id() {
                Some(id) => self.route_stream(opener, id, open.name, &tried)?,
                None => {
                    let id = EdgeId(open.peer);
                    let target = self.registry.edges.online(id).ok_or_else(|| offline(id))?;
                    if tried.iter().any(|edge| Arc::ptr_eq(edge, &target)) {
                        return Err(offline(id));
                    }
                    self.permit_reach(opener, id, &target)?;
                    target
                }
            };
            let opened = self.open_at(opener, &target, open, deadline);
            match tokio::time::timeout_at(deadline.into(), opened).await {
                Ok(Some(outcome)) => return outcome.map(|stream| (target, stream)),
                Ok(None) => tried.push(target),
                Err(_) => return Err(Failure::new(Code::Deadline, "the stream was not accepted in time")),
            }
        }
    }

    /// `None` if the target is gone and another may be tried.
    async fn open_at(
        &self,
        opener: &Peer,
        target: &Peer,
        open: Open<'_>,
        deadline: Instant,
    ) -> Option<Result<MuxStream, Failure>> {
        let mut stream = match target.link.open_stream().await {
            Ok(stream) => stream,
            Err(OpenError::Closed) => return None,
            Err(OpenError::TooMany(_)) => {
                return Some(Err(Failure::new(Code::Overloaded, "the receiver has no room for streams")));
            }
        };
        // It may have left meanwhile, and hang up before it sees this.
        if !target.is_online() {
            return None;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let onward = Open {
            peer: opener.wire_id(),
            timeout_ms: u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1),
            name: if opener.edge_id().is_some() { open.name } else { opener.name() },
            meta: open.meta,
        };
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

fn broken(target: &Peer, error: &ParseError) -> Failure {
    target.link.close(CloseReason::Protocol(error.to_string()));
    Failure::new(Code::Protocol, "the receiver broke the protocol")
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
async fn refuse(mut stream: MuxStream, failure: &Failure) {
    let mut ack = Vec::new();
    let Failure { code, detail, text } = failure;
    let encoded = OpenAck { code: *code, detail: *detail, text }.encode(&mut ack);
    if encoded.is_ok() && stream.write_all(&ack).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}
