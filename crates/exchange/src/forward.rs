//! Forwarding a request: it is entered at both peers, and queued for its target.

use crate::balance::Tried;
use crate::failure::Rejected;
use crate::limits::key;
use crate::outgoing::{Outgoing, Sender};
use crate::outlet::QueueError;
use crate::pending::{PendingRequest, Refusal, SentTo};
use crate::route::{Route, Unrouted};
use crate::shares::Asker;
use crate::trace::Recorded;
use crate::{Batch, CorrelationId, Envelope, Exchange, Failure, Identity, Peer, Violation};
use frontier_protocol::Code;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than it ever takes from reading the clock for a batch to entering one of its requests.
const BATCH_AGE: Duration = Duration::from_secs(1);

/// What became of an attempt to enter a request at both peers.
#[derive(Debug)]
pub(crate) enum Entered {
    Yes(CorrelationId),
    /// The target is gone: try another.
    TargetGone,
    /// The requester is gone or has its reply already: nobody waits.
    Answered,
}

/// What became of an attempt to queue a request for its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It is queued, or nobody waits for it.
    Done,
    /// The target is gone: try another.
    TargetGone,
}

/// What became of a request that was routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// It is queued for its target, or waits in the lobby.
    Yes,
    /// The gateway that it came from has it again.
    GivenBack,
}

/// A request that was with somebody else until now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    pub(crate) at: &'a Peer,
    pub(crate) correlation: CorrelationId,
    /// When it was routed first.
    pub(crate) begun: Instant,
}

impl Exchange {
    pub(crate) fn on_request(
        self: &Arc<Self>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        batch: &mut Batch<'_>,
    ) -> Result<(), Violation> {
        let direction = requester.direction();
        batch.tally.begun(envelope.kind, direction, envelope.payload.len());
        let recorded = self.begin_span(requester, &envelope);
        let envelope = match &recorded {
            None => envelope,
            Some(recorded) => Envelope { trace: &recorded.trace, ..envelope },
        };
        let forwarded =
            match self.permit(requester, envelope.kind, envelope.name, envelope.payload.len() as u64) {
                Ok(()) => self.forward(requester, envelope, Tried::new(), batch),
                Err(failure) => Err(Rejected::Failed(failure)),
            };
        match forwarded {
            Ok(Forwarded::Yes) if envelope.wants_reply => {}
            // As far as anybody will know.
            Ok(Forwarded::Yes) => {
                batch.tally.ok(envelope.kind, direction);
                end_unasked(recorded, Code::Ok);
            }
            Ok(Forwarded::GivenBack) => {
                self.counters().ended(envelope.kind.into(), direction, Code::EdgeNotOnline);
                self.end_span(requester, envelope.id, Code::EdgeNotOnline);
                end_unasked(recorded, Code::EdgeNotOnline);
            }
            Err(rejected) => {
                let failure = rejected.failure()?;
                if envelope.wants_reply {
                    self.reply_failure(requester, envelope.id, envelope.kind, &failure, batch);
                } else {
                    self.counters().ended(envelope.kind.into(), direction, failure.code);
                    end_unasked(recorded, failure.code);
                }
            }
        }
        Ok(())
    }

    /// Routes a request of `requester` and queues it for its target, or for the next one if that is gone. Either
    /// it is queued and its reply will come, or the failure is for the caller to report.
    pub(crate) fn forward(
        self: &Arc<Self>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        mut tried: Tried,
        batch: &mut Batch<'_>,
    ) -> Result<Forwarded, Rejected> {
        self.check_payload(envelope.payload.len() as u64)?;
        loop {
            let route = match self.route(requester, &envelope, &tried) {
                Ok(route) => route,
                Err(Unrouted::Failed(failure)) => return Err(failure.into()),
                Err(Unrouted::NotHere(edge)) => return self.not_here(requester, envelope, edge, batch),
                Err(Unrouted::NoTaker(failure)) => return self.no_taker(requester, envelope, failure, batch),
            };
            match self.deliver(requester, envelope, &route, None, batch)? {
                Delivery::Done => return Ok(Forwarded::Yes),
                Delivery::TargetGone => tried.push(route.target),
            }
        }
    }

    /// Enters a request at both peers and queues it for its target. Its requester is to be told of a failure.
    pub(crate) fn deliver(
        &self,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        route: &Route<'_>,
        held: Option<Held<'_>>,
        batch: &mut Batch<'_>,
    ) -> Result<Delivery, Rejected> {
        let target = &route.target;
        let now = batch.now();
        let correlation = if envelope.wants_reply {
            match self.enter(requester, &envelope, target, held, now)? {
                Entered::Yes(correlation) => Some(correlation),
                Entered::Answered => return Ok(Delivery::Done),
                Entered::TargetGone => return Ok(Delivery::TargetGone),
            }
        } else {
            None
        };
        let outgoing = envelope.outgoing(correlation, route, now);
        if let (None, Sender::Service { service, edge, returns: true }) = (correlation, route.from) {
            self.unacked.note(target, edge, service.id);
        }
        let queued = batch.queued(target, target.outlet().request(&outgoing));
        let Err(error) = queued else {
            self.note_routed(requester, &envelope, target);
            return Ok(Delivery::Done);
        };
        if let Some(correlation) = correlation
            && !withdraw(requester, envelope.id, target, correlation)
        {
            return Ok(Delivery::Done);
        }
        match error {
            QueueError::Closed(_) | QueueError::Sealed => Ok(Delivery::TargetGone),
            error => Err(self.not_queued(target, &error).into()),
        }
    }

    /// Enters a request of `requester` at both peers; one that was `held` before in the place that it had there.
    /// Where it is not entered, it is nowhere.
    pub(crate) fn enter(
        &self,
        requester: &Arc<Peer>,
        envelope: &Envelope<'_>,
        target: &Arc<Peer>,
        held: Option<Held<'_>>,
        now: Instant,
    ) -> Result<Entered, Rejected> {
        let Envelope { kind, id, deadline, .. } = *envelope;
        let asker = Asker::of_request(requester, &envelope.to);
        let edge = envelope.to.edge();
        let begun = held.map_or(now, |held| held.begun);
        let request = PendingRequest { requester: requester.clone(), asker, id, kind, deadline, begun, edge };
        let limit = |internal: bool| if internal { usize::MAX } else { self.limits().calls };
        let most = limit(target.is_internal() || requester.is_internal());
        let inserted = self.tables.change(target, |pending| pending.insert(request, most));
        let correlation = match inserted {
            Ok(correlation) => correlation,
            Err(refusal) => {
                return match (untrack(requester, id, held), refusal) {
                    (false, _) => Ok(Entered::Answered),
                    (true, Refusal::Closed) => Ok(Entered::TargetGone),
                    (true, Refusal::Share(taken)) => {
                        Err(self.over_share(&target.as_receiver(), taken).into())
                    }
                    (true, _) => Err(self.too_many_calls(&target.as_receiver()).into()),
                };
            }
        };
        let tracked = match held {
            None => {
                let sent = SentTo { target: target.clone(), correlation, kind };
                let most = limit(requester.is_internal());
                self.tables.change(requester, |pending| pending.track(id, sent, most))
            }
            Some(Held { at, correlation: before, .. })
                if requester.pending.lock().retarget(id, (at, before), target, correlation) =>
            {
                Ok(())
            }
            Some(_) => Err(Refusal::Closed),
        };
        match tracked {
            // Whoever found it overdue before it was tracked has told nobody.
            Ok(()) if is_overdue(deadline, now) => {
                let is_untold = withdraw(requester, id, target, correlation);
                if is_untold { Err(Failure::plain(Code::Deadline).into()) } else { Ok(Entered::Answered) }
            }
            Ok(()) => Ok(Entered::Yes(correlation)),
            Err(refusal) => {
                target.pending.lock().complete(correlation);
                match refusal {
                    Refusal::Closed => {
                        // A request that was held was ended by whoever took it from there.
                        if held.is_none() {
                            self.counters().ended(kind.into(), requester.direction(), Code::Cancelled);
                        }
                        Ok(Entered::Answered)
                    }
                    Refusal::Full | Refusal::Share(_) => Err(self.too_many_calls("the sender").into()),
                    Refusal::Duplicate => {
                        Err(Violation::new("an id was used again before its answer came").into())
                    }
                }
            }
        }
    }

    fn too_many_calls(&self, whose: &str) -> Failure {
        self.counters().refuse(key::CALLS);
        let limit = self.limits().calls;
        let text = format!(
            "{whose} has {limit} calls and messages in flight, the most there may be ({})",
            key::CALLS
        );
        Failure::new(Code::Overloaded, text)
    }

    fn over_share(&self, whose: &str, taken: usize) -> Failure {
        self.counters().refuse(key::CALLS);
        let limit = self.limits().calls;
        let text = format!(
            "{whose} has {taken} of {limit} calls and messages in flight, and this sender its share of them ({})",
            key::CALLS
        );
        Failure::new(Code::Overloaded, text)
    }

    /// What the sender of a request that was not queued is told.
    fn not_queued(&self, target: &Peer, error: &QueueError) -> Failure {
        if *error == QueueError::Full {
            self.counters().refuse(key::OUTBOX);
        }
        match (error, target.identity()) {
            (QueueError::Full, Identity::OwnerGateway { id }) => {
                let text = format!(
                    "frontier {id} does not read fast enough; the queue for it is full ({})",
                    key::OUTBOX
                );
                Failure::new(Code::Overloaded, text)
            }
            (QueueError::Full, _) => {
                let text =
                    format!("the receiver does not read fast enough; its queue is full ({})", key::OUTBOX);
                Failure::new(Code::Overloaded, text)
            }
            (other, _) => Failure::new(other.code(), other.to_string()),
        }
    }
}

impl<'a> Envelope<'a> {
    /// As it is sent on, with what is left of its time: at least a millisecond, since 0 means something else.
    #[inline]
    pub(crate) fn outgoing(
        &self,
        correlation: Option<CorrelationId>,
        route: &Route<'a>,
        now: Instant,
    ) -> Outgoing<'a> {
        Outgoing {
            kind: self.kind,
            correlation,
            from: route.from,
            name: self.name,
            custom: self.custom,
            trace: self.trace,
            payload: self.payload,
            timeout_ms: remaining_ms(self.deadline, now),
        }
    }
}

/// A message has ended of which nobody asks what becomes of it.
pub(crate) fn end_unasked(recorded: Option<Recorded>, code: Code) {
    if let Some(span) = recorded.and_then(|recorded| recorded.span) {
        span.end(code);
    }
}

/// What is left until a deadline, in milliseconds: 1 at least.
pub(crate) fn remaining_ms(deadline: Instant, now: Instant) -> u32 {
    let left = deadline.saturating_duration_since(now);
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
}

/// Whether a deadline is over. The clock is read only if it can be.
fn is_overdue(deadline: Instant, now: Instant) -> bool {
    deadline.saturating_duration_since(now) < BATCH_AGE && deadline <= Instant::now()
}

/// Takes a request back that did not reach its target. Whether its reply is still to be given: if not, the target's
/// end has failed it already.
pub(crate) fn withdraw(requester: &Peer, id: u64, target: &Peer, correlation: CorrelationId) -> bool {
    target.pending.lock().complete(correlation);
    requester.pending.lock().untrack(id, target, correlation)
}

/// Tracks a request no longer that was held elsewhere. Whether its reply is still to be given.
pub(crate) fn untrack(requester: &Peer, id: u64, held: Option<Held<'_>>) -> bool {
    held.is_none_or(|Held { at, correlation, .. }| requester.pending.lock().untrack(id, at, correlation))
}
