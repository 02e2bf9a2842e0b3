use super::balance::Tried;
use super::parcel::Parcel;
use super::route::{Route, Unrouted};
use super::{Breach, Exchange, Failure};
use crate::calls::{Asker, Question, Refusal, Ticket};
use crate::peer::{Identity, Peer, Wakes};
use frontier_protocol::{Code, Flags};
use frontier_transport::{Priority, PushError};
use std::sync::Arc;

/// What became of an attempt to enter a question in both tables.
#[derive(Debug)]
pub(crate) enum Entered {
    Yes(Ticket),
    /// The target is gone: try another.
    TargetGone,
    /// The asker is gone or has its answer already: nobody waits.
    Answered,
}

/// What became of an attempt to queue a parcel on its target.
#[derive(Debug)]
pub(super) enum Handed {
    /// It is queued, or nobody waits for it.
    Done,
    /// The target is gone: try another.
    TargetGone,
    Failed(Failure),
}

/// With whom a question was until now, and what it has there.
pub(crate) type Held<'a> = (&'a Peer, Ticket);

impl Exchange {
    /// Routes a parcel of `asker` and queues it on its target, or on the next one if that is gone.
    /// Either it is queued and its answer will come, or the failure is for the caller to report.
    pub(crate) fn forward(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        mut tried: Tried,
        wakes: &mut Wakes,
    ) -> Result<Result<(), Failure>, Breach> {
        if let Err(failure) = self.check_payload(parcel.payload.len() as u64) {
            return Ok(Err(failure));
        }
        loop {
            let route = match self.route(asker, &parcel, &tried) {
                Ok(route) => route,
                Err(Unrouted::Failed(failure)) => return Ok(Err(failure)),
                Err(Unrouted::Away(edge)) => return self.away(asker, parcel, edge, wakes),
            };
            match self.hand_over(asker, parcel, &route, None, wakes)? {
                Handed::Done => return Ok(Ok(())),
                Handed::TargetGone => tried.push(route.target),
                Handed::Failed(failure) => return Ok(Err(failure)),
            }
        }
    }

    /// Enters a parcel in both tables and queues it on its target. Its asker is to be told of a failure.
    pub(super) fn hand_over(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        route: &Route<'_>,
        held: Option<Held<'_>>,
        wakes: &mut Wakes,
    ) -> Result<Handed, Breach> {
        let target = &route.target;
        if !target.takes(parcel.frame_len(route)) {
            let text = "the frame is longer than those that the receiver takes";
            return Ok(give_up(asker, parcel.id, held, Handed::Failed(Failure::new(Code::TooLarge, text))));
        }
        let entered = if parcel.answered {
            match self.enter(asker, parcel, target, held)? {
                Ok(Entered::Yes(ticket)) => Some(ticket),
                Ok(Entered::Answered) => return Ok(Handed::Done),
                Ok(Entered::TargetGone) => return Ok(Handed::TargetGone),
                Err(failure) => return Ok(Handed::Failed(failure)),
            }
        } else {
            None
        };
        let id = entered.map_or(0, |ticket| ticket.0);
        let pushed = wakes
            .push(&target.link, Priority::Question, |out| parcel.encode(id, Flags::default(), route, out));
        let Err(error) = pushed else { return Ok(Handed::Done) };
        if let Some(ticket) = entered
            && !withdraw(asker, parcel.id, target, ticket)
        {
            return Ok(Handed::Done);
        }
        Ok(match error {
            PushError::Closed(_) | PushError::Sealed => Handed::TargetGone,
            error => Handed::Failed(refused(target, &error)),
        })
    }

    /// Enters a question of `asker` in both tables; one that was `held` before in the place that it had there.
    /// Where it is not entered, it is nowhere.
    pub(crate) fn enter(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        target: &Arc<Peer>,
        held: Option<Held<'_>>,
    ) -> Result<Result<Entered, Failure>, Breach> {
        let question = Question {
            asker: Asker::Peer(asker.clone(), parcel.id),
            form: parcel.form,
            deadline: parcel.deadline,
        };
        // Those who wait have another bound.
        let limit = if matches!(target.identity, Identity::Lobby) { usize::MAX } else { self.limits.calls };
        let ticket = match target.calls.lock().ask(question, limit) {
            Ok(ticket) => ticket,
            Err((refusal, _)) => {
                return Ok(match (strike(asker, parcel.id, held), refusal) {
                    (false, _) => Ok(Entered::Answered),
                    (true, Refusal::Closed) => Ok(Entered::TargetGone),
                    (true, _) => Err(self.too_many_calls(&receiver(target))),
                });
            }
        };
        let noted = match held {
            None => asker.calls.lock().note(parcel.id, target, ticket, self.limits.calls),
            Some(held) if asker.calls.lock().pass_on(parcel.id, held, target, ticket) => Ok(()),
            Some(_) => Err(Refusal::Closed),
        };
        match noted {
            // A sweep that found it overdue before it was noted has told nobody.
            Ok(()) if parcel.is_overdue() => {
                let is_untold = withdraw(asker, parcel.id, target, ticket);
                Ok(if is_untold { Err(Failure::plain(Code::Deadline)) } else { Ok(Entered::Answered) })
            }
            Ok(()) => Ok(Ok(Entered::Yes(ticket))),
            Err(refusal) => {
                target.calls.lock().settle(ticket);
                match refusal {
                    Refusal::Closed => Ok(Ok(Entered::Answered)),
                    Refusal::Full => Ok(Err(self.too_many_calls("the sender"))),
                    Refusal::Duplicate => Err(Breach::new("an id was used again before its answer came")),
                }
            }
        }
    }

    fn too_many_calls(&self, whose: &str) -> Failure {
        let text = format!("{whose} has {} calls and messages in flight", self.limits.calls);
        Failure::new(Code::Overloaded, text)
    }
}

/// Takes a question back that did not reach its target. Whether its answer is still to be given: if
/// not, the target's end has failed it already.
pub(crate) fn withdraw(asker: &Peer, id: u64, target: &Peer, ticket: Ticket) -> bool {
    target.calls.lock().settle(ticket);
    asker.calls.lock().strike(id, target, ticket)
}

/// Strikes a question off that was held elsewhere. Whether its answer is still to be given.
pub(super) fn strike(asker: &Peer, id: u64, held: Option<Held<'_>>) -> bool {
    held.is_none_or(|(holder, ticket)| asker.calls.lock().strike(id, holder, ticket))
}

fn give_up(asker: &Peer, id: u64, held: Option<Held<'_>>, failed: Handed) -> Handed {
    if strike(asker, id, held) { failed } else { Handed::Done }
}

/// Whom a question goes to, for its asker.
pub(super) fn receiver(target: &Peer) -> String {
    match &target.identity {
        Identity::Holder { id } => format!("the link to frontier {id}"),
        _ => "the receiver".to_owned(),
    }
}

/// What the sender of a frame that was not queued is told.
fn refused(target: &Peer, error: &PushError) -> Failure {
    match (error, &target.identity) {
        (PushError::Full(_), Identity::Holder { id }) => {
            let text = format!("frontier {id} does not read fast enough; the queue for it is full");
            Failure::new(Code::Overloaded, text)
        }
        (PushError::Full(_), _) => {
            Failure::new(Code::Overloaded, "the receiver does not read fast enough; its queue is full")
        }
        (other, _) => Failure::new(other.code(), other.to_string()),
    }
}
