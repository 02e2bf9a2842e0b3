//! Requests of edges for what services at other gateways take.
//!
//! ```text
//!   edge ─▶ a service here that takes the name
//!     └───▶ no service here does ─▶ a gateway that offers it ─▶ owner gateway ─▶ service
//!                                        ▲
//!       owner gateway ─ Returned: no service there does any more ─┘ once
//! ```
//!
//! Gateways tell each other over their links what their services take, so nothing is looked up and nobody waits: a
//! request goes on at once or fails at once. What came from another gateway goes to a service here or nowhere.

use crate::balance::Tried;
use crate::envelope::{CorrelationId, Destination, Envelope, Outcome, RequestKind};
use crate::failure::Rejected;
use crate::forward::Forwarded;
use crate::outgoing::Sender;
use crate::pending::PendingRequest;
use crate::registry::NameFollower;
use crate::route::Route;
use crate::{Batch, Exchange, Failure, Peer, Returned, Violation};
use frontier_protocol::Code;
use smallvec::smallvec;
use std::sync::Arc;

impl Exchange {
    /// Hears what the services here take, for another gateway. `None` if this one forwards nothing.
    #[must_use]
    pub fn follow_names(&self) -> Option<NameFollower> {
        Some(self.registry().services.offered()?.follow())
    }

    /// Waits until the gateway behind this link has told everything that its services take, or the link has ended.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn names_told(&self, gateway: &Peer) {
        self.registry().elsewhere.whole(gateway).await;
    }

    /// No service here takes the name for which another gateway asks: it gets its request back, if it wants that.
    pub(crate) fn no_taker(
        &self,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        failure: Failure,
        batch: &mut Batch<'_>,
    ) -> Result<Forwarded, Rejected> {
        match envelope.to {
            Destination::LocalName { edge, returns: true } if envelope.wants_reply => {
                let correlation = Some(CorrelationId(envelope.id));
                let route = Route { target: requester.clone(), from: Sender::Unnamed };
                let outgoing = envelope.outgoing(correlation, &route, batch.now());
                // It fails if the connection is closed: then nobody waits any more.
                let _ = batch.queued(requester, requester.outlet().give_back(&outgoing, edge.id, None));
                Ok(Forwarded::GivenBack)
            }
            _ => Err(failure.into()),
        }
    }

    /// Another gateway gives back what went there by name. It goes to a service that has come here meanwhile, or to one
    /// more gateway. A message that nobody waits for does not come back.
    pub(crate) fn on_returned_by_name(
        self: &Arc<Self>,
        from: &Arc<Peer>,
        returned: &Returned<'_>,
        batch: &mut Batch<'_>,
    ) -> Result<(), Violation> {
        let Some(correlation) = returned.correlation else { return Ok(()) };
        let Some(request) = from.pending.lock().complete(correlation) else { return Ok(()) };
        if request.requester.is_service() {
            return Err(self.returned_otherwise(request, from, correlation, batch));
        }
        let PendingRequest { requester, id, kind, deadline, .. } = request;
        if !requester.pending.lock().untrack(id, from, correlation) {
            return Ok(());
        }
        if requester.is_internal() {
            self.own_calls.give_back(id);
            return Ok(());
        }
        let Returned { name, custom, trace, payload, .. } = *returned;
        // The name is what that gateway says it was.
        if let Err(failure) = self.permit_returned(&requester, kind, name) {
            self.reply_failure(&requester, id, kind, &failure, batch);
            return Ok(());
        }
        let to = Destination::Name;
        let envelope = Envelope { kind, id, wants_reply: true, to, name, custom, trace, payload, deadline };
        self.forward_again(&requester, envelope, smallvec![from.clone()], batch);
        Ok(())
    }

    /// Another gateway gives back by name what it was sent for an edge of its own, or the other way round.
    pub(crate) fn returned_otherwise(
        &self,
        request: PendingRequest,
        from: &Arc<Peer>,
        correlation: CorrelationId,
        batch: &mut Batch<'_>,
    ) -> Violation {
        let failure = Failure::plain(Code::Protocol);
        self.answer(request, from, correlation, None, Outcome::failure(&failure), batch);
        Violation::new("a request was given back in another way than it was sent")
    }

    /// Forwards once more what was surely not done by those who were tried, and tells its requester if that fails.
    pub(crate) fn forward_again(
        self: &Arc<Self>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        tried: Tried,
        batch: &mut Batch<'_>,
    ) {
        let Envelope { id, kind, .. } = envelope;
        match self.forward(requester, envelope, tried, batch) {
            Ok(Forwarded::Yes) => {}
            Ok(Forwarded::GivenBack) => {
                self.counters().ended(kind.into(), requester.direction(), Code::ServiceNotOnline);
                self.end_span(requester, id, Code::ServiceNotOnline);
            }
            Err(rejected) => {
                // Only a new request can break the rules, and this one had its place in the tables.
                let failure = rejected.failure().unwrap_or_else(|_| Failure::plain(Code::Internal));
                self.reply_failure(requester, id, kind, &failure, batch);
            }
        }
    }
}

/// What is said where no service takes a name any more that one was said to take a moment ago: it may have gone
/// elsewhere, so that another attempt may succeed.
pub(crate) fn gone_elsewhere(kind: RequestKind, name: &str) -> Failure {
    match kind {
        RequestKind::Call => {
            Failure::new(Code::ServiceNotOnline, format!("every service with the method {name:?} has left"))
        }
        RequestKind::Message => Failure::new(
            Code::TopicNotOnline,
            format!("every service that receives the topic {name:?} has left"),
        ),
    }
}
