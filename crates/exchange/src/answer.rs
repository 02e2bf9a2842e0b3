//! Replies, cancellation, deadlines, and the end of a peer.

use crate::outlet::QueueError;
use crate::pending::{InFlight, PendingRequest, SentTo};
use crate::{
    Batch, CorrelationId, Destination, Envelope, Exchange, Failure, Identity, Outcome, Peer, RemoteEdge,
    Reply, RequestKind, Stage, Violation,
};
use ahash::AHashMap;
use bytes::Bytes;
use frontier_protocol::{Code, EdgeId};
use smallvec::smallvec;
use std::sync::Arc;
use std::time::Instant;

/// A request that was queued for a peer and never sent, as its wire gives it back.
#[derive(Clone, Debug)]
pub struct Unsent {
    /// Of the request; never that of a message without a reply.
    pub correlation: CorrelationId,
    /// The method or the topic.
    pub name: Box<str>,
    /// The users' own header.
    pub custom: Bytes,
    /// The trace context; empty without one.
    pub trace: Bytes,
    /// The payload.
    pub payload: Bytes,
    /// The edge that asks; or the edge that is asked, where it was queued for another gateway and a service asks.
    pub edge: EdgeId,
}

impl Exchange {
    pub(crate) fn on_reply(
        &self,
        from: &Arc<Peer>,
        reply: Reply<'_>,
        batch: &mut Batch<'_>,
    ) -> Result<(), Violation> {
        let Reply { correlation, kind, outcome, edge } = reply;
        // A reply that nobody waits for is late: its request was cancelled or is overdue.
        let Some(request) = from.pending.lock().complete(correlation) else { return Ok(()) };
        if request.kind != kind {
            let failure = Failure::plain(Code::Protocol);
            self.answer(request, from, correlation, None, Outcome::failure(&failure), batch);
            return Err(Violation::new("a call was answered as a message, or the other way round"));
        }
        self.answer(request, from, correlation, edge, outcome, batch);
        Ok(())
    }

    /// Gives what `from` replied to what it had under `correlation` to whoever asked. `edge` is who replied, if
    /// `from` is another gateway.
    pub(crate) fn answer(
        &self,
        request: PendingRequest,
        from: &Peer,
        correlation: CorrelationId,
        edge: Option<EdgeId>,
        outcome: Outcome<'_>,
        batch: &mut Batch<'_>,
    ) {
        let PendingRequest { requester, id, kind, begun, .. } = request;
        // Without this entry the requester has cancelled, or has been answered.
        if requester.pending.lock().untrack(id, from, correlation) {
            batch.took(kind, requester.direction(), begun);
            self.reply(&requester, id, kind, from.edge_id().or(edge), outcome, batch);
        }
    }

    /// Queues what became of the request `id` of `requester`.
    pub(crate) fn reply(
        &self,
        requester: &Arc<Peer>,
        id: u64,
        kind: RequestKind,
        edge: Option<EdgeId>,
        outcome: Outcome<'_>,
        batch: &mut Batch<'_>,
    ) {
        let direction = requester.direction();
        let fit = self.check_outcome(requester, &outcome);
        let queued = match &fit {
            Ok(()) => batch.queued(requester, requester.outlet().reply(id, kind, edge, outcome)),
            Err(_) => Ok(()),
        };
        let failure = match (fit, queued) {
            // Where it could not be queued the requester's connection is closed, or closes because its queue is
            // full; it learns of its requests from that.
            (Ok(()), Ok(()) | Err(QueueError::Full | QueueError::Closed(_) | QueueError::Sealed)) => {
                match outcome.code {
                    Code::Ok => {
                        batch.tally.ok(kind, direction);
                        batch.tally.replied(kind, direction, outcome.payload.len());
                    }
                    code => batch.counters().ended(kind.into(), direction, code),
                }
                return self.end_span(requester, id, outcome.code);
            }
            (Ok(()), Err(QueueError::TooLarge(text))) => Failure::new(Code::TooLarge, text),
            (Ok(()), Err(QueueError::Refused(code, text))) => Failure::new(code, text),
            (Err(failure), _) => failure,
        };
        self.counters().ended(kind.into(), direction, failure.code);
        self.end_span(requester, id, failure.code);
        // As above.
        let _ = batch.queued(requester, requester.outlet().reply(id, kind, None, Outcome::failure(&failure)));
    }

    /// The limits are those of what peers are sent.
    fn check_outcome(&self, requester: &Peer, outcome: &Outcome<'_>) -> Result<(), Failure> {
        if matches!(requester.identity(), Identity::Gateway) {
            return Ok(());
        }
        self.check_replied_custom(outcome.custom.len())?;
        self.check_payload(outcome.payload.len() as u64)
    }

    /// Queues a failure for `requester`.
    pub(crate) fn reply_failure(
        &self,
        requester: &Arc<Peer>,
        id: u64,
        kind: RequestKind,
        failure: &Failure,
        batch: &mut Batch<'_>,
    ) {
        self.reply(requester, id, kind, None, Outcome::failure(failure), batch);
    }

    /// The requester no longer waits for its request `id`.
    pub(crate) fn cancel(&self, requester: &Peer, id: u64, batch: &mut Batch<'_>) {
        self.give_up(requester, id, Code::Cancelled, batch);
    }

    /// The requester no longer waits for its request `id`, which counts as ended with `code`.
    pub(crate) fn give_up(&self, requester: &Peer, id: u64, code: Code, batch: &mut Batch<'_>) {
        let given_up = requester.pending.lock().cancel(id);
        if let Some(sent) = given_up {
            self.drop_request(requester, id, &sent, code, batch);
        }
    }

    /// Tells who has a request of `requester` that nobody waits for its reply any more. It ends here: a reply that is on
    /// its way finds nobody, and is not counted.
    fn drop_request(&self, requester: &Peer, id: u64, sent: &SentTo, code: Code, batch: &mut Batch<'_>) {
        let SentTo { target, correlation, kind } = sent;
        self.counters().ended((*kind).into(), requester.direction(), code);
        self.end_span(requester, id, code);
        let was_pending = target.pending.lock().complete(*correlation).is_some();
        if was_pending && *kind == RequestKind::Call {
            push_cancel(target, *correlation, batch);
        }
    }

    /// Fails the requests to `peer` whose deadline is over.
    pub(crate) fn expire(&self, peer: &Arc<Peer>, now: Instant, batch: &mut Batch<'_>) {
        let expired = peer.pending.lock().expire(now);
        for (correlation, request) in expired {
            if request.kind == RequestKind::Call {
                push_cancel(peer, correlation, batch);
            }
            let failure = Failure::plain(Code::Deadline);
            self.answer(request, peer, correlation, None, Outcome::failure(&failure), batch);
        }
    }

    /// Ends everything in flight from and to `peer`, whose connection is closed. What is `unsent` never left the
    /// gateway; if it was for a service it goes to another one, and if it was for another gateway it is sent on anew.
    pub(crate) fn retire(self: &Arc<Self>, peer: &Arc<Peer>, unsent: &[Unsent]) {
        let InFlight { received, sent } = peer.pending.lock().close();
        let mut batch = self.batch();
        for (id, sent) in sent {
            self.drop_request(peer, id, &sent, Code::Cancelled, &mut batch);
        }
        let lost = Failure::new(Code::Disconnected, peer.lost());
        let unsent: AHashMap<u64, &Unsent> = match peer.is_service() || peer.is_owner_gateway() {
            true => unsent.iter().map(|request| (request.correlation.0, request)).collect(),
            false => AHashMap::default(),
        };
        for (correlation, request) in received {
            // What a part of the gateway asks by name it asks again itself: in whose name it asked is not known here.
            let asks_again = request.requester.is_internal()
                || (request.requester.is_of_gateway() && request.edge.is_none());
            let again = unsent.get(&correlation.0).filter(|_| !asks_again);
            let Some(again) = again else {
                self.answer(request, peer, correlation, None, Outcome::failure(&lost), &mut batch);
                continue;
            };
            let PendingRequest { requester, id, kind, deadline, .. } = request;
            if !requester.pending.lock().untrack(id, peer, correlation) {
                continue;
            }
            let Unsent { name, custom, trace, payload, edge, .. } = again;
            let edge = RemoteEdge::judged(*edge);
            let to = match requester.identity() {
                Identity::Service { .. } => Destination::Edge(edge.id),
                Identity::OriginGateway { .. } => Destination::LocalName { edge: &edge, returns: true },
                _ => Destination::Name,
            };
            let envelope =
                Envelope { kind, id, wants_reply: true, to, name, custom, trace, payload, deadline };
            self.forward_again(&requester, envelope, smallvec![peer.clone()], &mut batch);
        }
    }

    /// The connection of `peer` has ended: nothing is routed to it any more, and what is in flight on it fails.
    /// What is `unsent` goes to another service, if it was for one.
    pub fn leave(self: &Arc<Self>, peer: &Arc<Peer>, unsent: &[Unsent]) {
        match peer.identity() {
            Identity::Edge { id, .. } => self.registry().edges.withdraw(*id, peer),
            Identity::Service { .. } => self.registry().services.release(peer),
            _ => peer.advance(Stage::Gone),
        }
        self.retire(peer, unsent);
    }
}

fn push_cancel(target: &Arc<Peer>, correlation: CorrelationId, batch: &mut Batch<'_>) {
    // Where it can't be queued the connection is closed, and the call has ended with it.
    let _ = batch.queued(target, target.outlet().cancel(correlation));
}
