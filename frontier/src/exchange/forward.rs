use super::balance::Tried;
use super::route::Route;
use super::{Breach, Exchange, Failure};
use crate::calls::{Asker, Form, Question, Refusal, Ticket};
use crate::peer::{Peer, Wakes};
use frontier_protocol::{Code, Custom, EncodeError, Flags, HEADER_LEN, Publish, Request, TAIL_LEN};
use frontier_transport::{Priority, PushError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of a call, a message or a response in front of its name.
pub(super) const ADDRESSED_LEN: usize = HEADER_LEN + 8;

/// Longer than it ever takes from reading the clock for a parcel to entering it.
const MOMENT: Duration = Duration::from_secs(1);

/// A call or a message on its way, borrowed from the frame that brought it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel<'a> {
    pub(crate) form: Form,
    /// Whether the asker waits for what becomes of it.
    pub(crate) answered: bool,
    /// The asker's id for it.
    pub(crate) id: u64,
    pub(crate) name: &'a str,
    pub(crate) custom: &'a [u8],
    pub(crate) payload: &'a [u8],
    /// When it was last looked at the clock for this parcel, a moment ago.
    pub(crate) now: Instant,
    pub(crate) deadline: Instant,
}

/// What became of an attempt to enter a question in both tables.
#[derive(Debug)]
pub(crate) enum Entered {
    Yes(Ticket),
    /// The target is gone: try another.
    TargetGone,
    /// The asker is gone or has its answer already: nobody waits.
    Answered,
}

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
            let route = match self.route(asker, parcel.form, parcel.name, parcel.custom, &tried) {
                Ok(route) => route,
                Err(failure) => return Ok(Err(failure)),
            };
            if !route.target.takes(parcel.frame_len(&route)) {
                let text = "the frame is longer than those that the receiver takes";
                return Ok(Err(Failure::new(Code::TooLarge, text)));
            }
            let target = route.target;
            if !parcel.answered {
                let pushed = wakes.push(&target.link, Priority::Question, |out| {
                    parcel.encode(0, Flags::default(), route.custom, parcel.payload, out)
                });
                match pushed {
                    Err(PushError::Closed(_) | PushError::Sealed) => tried.push(target),
                    pushed => return Ok(pushed.map_err(|error| refused(&error))),
                }
                continue;
            }
            let ticket = match self.enter(asker, parcel, &target)? {
                Ok(Entered::Yes(ticket)) => ticket,
                Ok(Entered::Answered) => return Ok(Ok(())),
                Ok(Entered::TargetGone) => {
                    tried.push(target);
                    continue;
                }
                Err(failure) => return Ok(Err(failure)),
            };
            let pushed = wakes.push(&target.link, Priority::Question, |out| {
                parcel.encode(ticket.0, Flags::default(), route.custom, parcel.payload, out)
            });
            let Err(error) = pushed else { return Ok(Ok(())) };
            if !withdraw(asker, parcel.id, &target, ticket) {
                return Ok(Ok(()));
            }
            if !matches!(error, PushError::Closed(_) | PushError::Sealed) {
                return Ok(Err(refused(&error)));
            }
            tried.push(target);
        }
    }

    /// Enters a question of `asker` in both tables.
    pub(crate) fn enter(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        target: &Arc<Peer>,
    ) -> Result<Result<Entered, Failure>, Breach> {
        let question = Question {
            asker: Asker::Peer(asker.clone(), parcel.id),
            form: parcel.form,
            deadline: parcel.deadline,
        };
        let ticket = match target.calls.lock().ask(question, self.limits.calls) {
            Ok(ticket) => ticket,
            Err((Refusal::Closed, _)) => return Ok(Ok(Entered::TargetGone)),
            Err(_) => return Ok(Err(self.too_many_calls("the receiver"))),
        };
        let noted = asker.calls.lock().note(parcel.id, target, ticket, self.limits.calls);
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

    pub(crate) fn too_many_calls(&self, whose: &str) -> Failure {
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

/// What the sender of a frame that was not queued is told.
pub(crate) fn refused(error: &PushError) -> Failure {
    match error {
        PushError::Full(_) => {
            Failure::new(Code::Overloaded, "the receiver does not read fast enough; its queue is full")
        }
        other => Failure::new(other.code(), other.to_string()),
    }
}

impl Parcel<'_> {
    /// Whether its deadline is over. The clock is read only if it can be.
    fn is_overdue(&self) -> bool {
        self.deadline.saturating_duration_since(self.now) < MOMENT && self.deadline <= Instant::now()
    }

    /// Bytes of the frame that carries it on.
    fn frame_len(&self, route: &Route<'_>) -> usize {
        let tail = if route.target.edge_id().is_some() { 0 } else { TAIL_LEN };
        ADDRESSED_LEN + self.name.len() + route.custom.body().len() + tail + self.payload.len()
    }

    /// What is left until the deadline, as it stands on the wire: at least a millisecond, since 0
    /// means something else.
    fn timeout_ms(&self) -> u32 {
        let left = self.deadline.saturating_duration_since(self.now);
        u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
    }

    /// Appends the frame that carries the parcel to its target.
    pub(crate) fn encode(
        &self,
        id: u64,
        flags: Flags,
        custom: Custom<'_>,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let timeout_ms = self.timeout_ms();
        match self.form {
            Form::Call => {
                Request { timeout_ms, method: self.name, custom, payload }.encode_with(id, flags, out)
            }
            Form::Message => {
                let flags = if self.answered { flags.with(Flags::ACKED) } else { flags };
                Publish { timeout_ms, topic: self.name, custom, payload }.encode_with(id, flags, out)
            }
        }
    }
}
