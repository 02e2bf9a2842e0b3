use super::{Progress, copy_failed};
use crate::exchange::away::lost;
use crate::exchange::forward::{Entered, receiver, withdraw};
use crate::exchange::parcel::{Address, Parcel};
use crate::exchange::pump::copy_exact;
use crate::exchange::route::{Route, offline};
use crate::exchange::stream::broken;
use crate::exchange::{Breach, Exchange, Failure};
use crate::forwarding::Found;
use crate::peer::Peer;
use frontier_protocol::{Code, EdgeId, OpenAck};
use frontier_transport::{FirstFrame, MuxStream, OpenError};
use std::sync::Arc;
use std::time::Instant;

/// What became of a question that went to another gateway.
enum Carried {
    Done(Result<(), Failure>),
    /// The edge is not there. Nothing of the payload was read.
    NotThere,
    /// The link was lost before anything was read.
    Gone,
}

impl Exchange {
    /// Carries a question of a service to the gateway where its edge is. Its payload is read only when that has
    /// said that it has the edge.
    pub(super) async fn carry_away(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        stream: &mut MuxStream,
        len: u64,
        progress: &mut Progress,
    ) -> Result<Result<(), Failure>, Breach> {
        let (Address::Edge(edge), Some(forwarding)) = (parcel.to, self.forwarding()) else {
            return Ok(Err(match parcel.to {
                Address::Edge(edge) => offline(edge),
                _ => Failure::plain(Code::Internal),
            }));
        };
        let (mut avoid, mut gone) = (None, false);
        loop {
            let holder = match forwarding.find(edge, avoid.as_ref(), self.clock()).await {
                Ok(Found::At(holder)) => holder,
                Ok(Found::Here) => return Ok(Err(offline(edge))),
                Err(failure) => return Ok(Err(failure)),
            };
            let parcel = Parcel { now: Instant::now(), ..parcel };
            match self.carry_to(&holder, edge, asker, parcel, stream, len, progress).await? {
                Carried::Done(done) => return Ok(done),
                Carried::NotThere if avoid.is_none() => {
                    forwarding.forget(edge, &holder);
                    avoid = Some(holder);
                }
                Carried::NotThere => return Ok(Err(offline(edge))),
                Carried::Gone if !gone => gone = true,
                Carried::Gone => return Ok(Err(Failure::new(Code::Disconnected, lost(&holder)))),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a question and both ends of its way")]
    async fn carry_to(
        &self,
        holder: &Arc<Peer>,
        edge: EdgeId,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        stream: &mut MuxStream,
        len: u64,
        progress: &mut Progress,
    ) -> Result<Carried, Breach> {
        let mut onward = match holder.link.open_stream().await {
            Ok(onward) => onward,
            Err(OpenError::Closed) => return Ok(Carried::Gone),
            Err(error) => {
                let text = format!("{}: {error}", receiver(holder));
                return Ok(Carried::Done(Err(Failure::new(error.code(), text))));
            }
        };
        let ticket = match self.enter_detached(asker, parcel, holder, progress)? {
            Ok(Entered::Yes(ticket)) => ticket,
            Ok(Entered::Answered) => return Ok(Carried::Done(Ok(()))),
            Ok(Entered::TargetGone) => return Ok(Carried::Gone),
            Err(failure) => return Ok(Carried::Done(Err(failure))),
        };
        let route = Route::holder(holder.clone(), asker, parcel.custom, edge, false);
        let carried = async {
            self.send_head(parcel, ticket, &route, &mut onward).await?;
            let FirstFrame { frame, stream: mut onward } = FirstFrame::read(onward, self.limits.frame)
                .await
                .map_err(|_| Failure::new(Code::Disconnected, lost(holder)))?;
            match OpenAck::parse(&frame).map_err(|error| broken(holder, &error))? {
                OpenAck { code: Code::Ok, .. } => {
                    copy_exact(stream, &mut onward, len).await.map_err(|error| copy_failed(&error))
                }
                OpenAck { code, detail, text } => Err(Failure::new(code, text.to_owned()).detailed(detail)),
            }
        };
        let Err(failure) = carried.await else { return Ok(Carried::Done(Ok(()))) };
        if parcel.answered && !withdraw(asker, parcel.id, holder, ticket) {
            return Ok(Carried::Done(Ok(())));
        }
        progress.is_entered = false;
        Ok(match failure.code {
            Code::EdgeNotOnline => Carried::NotThere,
            _ => Carried::Done(Err(failure)),
        })
    }
}
