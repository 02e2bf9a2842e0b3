use crate::{Error, Response};
use frontier_protocol::{Code, Kind};
use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Questions that may wait for an answer on one connection.
const MAX_CALLS: usize = 1 << 20;

/// How a question ended. An ack or the like is an empty response.
pub(crate) type Answer = Result<Response, Error>;

/// The questions that wait for an answer.
///
/// An id is an index into a slab and, above it, the number of the question, so that a late answer
/// never meets the next user of its slot. The lock is held for a few instructions at a time, but for
/// the sweep, which is rare.
pub(crate) struct Calls(Mutex<State>);

struct State {
    slots: Slab<Slot>,
    /// Number of the next question, never 0: an id of 0 asks for no answer.
    number: u32,
    /// No deadline lies before this. It may be too early, never too late.
    due: Option<Instant>,
    closed: Option<Error>,
}

struct Slot {
    number: u32,
    /// The kind of frame that answers.
    answer: Kind,
    deadline: Instant,
    reply: oneshot::Sender<Answer>,
}

/// A question that has its place.
pub(crate) struct Opened {
    pub(crate) id: u64,
    pub(crate) reply: oneshot::Receiver<Answer>,
    /// Whether its deadline is the first one due, which the connection's task must hear of.
    pub(crate) is_first_due: bool,
}

impl Calls {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { slots: Slab::new(), number: 1, due: None, closed: None }))
    }

    pub(crate) fn open(&self, answer: Kind, deadline: Instant) -> Result<Opened, Error> {
        let (sender, reply) = oneshot::channel();
        let mut state = self.0.lock();
        if let Some(error) = &state.closed {
            return Err(error.clone());
        }
        if state.slots.len() >= MAX_CALLS {
            return Err(Error::new(Code::Overloaded, format!("{MAX_CALLS} questions wait for answers")));
        }
        let number = state.number;
        state.number = number.checked_add(1).unwrap_or(1);
        let index = state.slots.insert(Slot { number, answer, deadline, reply: sender });
        let is_first_due = state.due.is_none_or(|due| deadline < due);
        if is_first_due {
            state.due = Some(deadline);
        }
        Ok(Opened { id: id(index, number), reply, is_first_due })
    }

    /// Hands an answer to whoever waits for it. Late and unasked ones are dropped.
    pub(crate) fn answer(&self, id: u64, kind: Kind, answer: impl FnOnce() -> Answer) {
        let slot = {
            let mut state = self.0.lock();
            match state.slots.get(index(id)) {
                Some(slot) if slot.number == number(id) && slot.answer == kind => {
                    state.slots.remove(index(id))
                }
                _ => return,
            }
        };
        // If nobody waits any more there is nobody to tell.
        let _ = slot.reply.send(answer());
    }

    /// Gives a place back before its answer came. Returns the kind of the answer, or `None` if it
    /// has come.
    pub(crate) fn forget(&self, id: u64) -> Option<Kind> {
        let mut state = self.0.lock();
        let slot = state.slots.get(index(id)).filter(|slot| slot.number == number(id))?;
        let answer = slot.answer;
        state.slots.remove(index(id));
        Some(answer)
    }

    /// When to sweep.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.lock().due
    }

    /// Ends what is overdue at `now`, and returns the ids of the calls among it. Costs a pass over
    /// all that wait.
    pub(crate) fn sweep(&self, now: Instant) -> Vec<u64> {
        let mut calls = Vec::new();
        let mut overdue = Vec::new();
        {
            let mut state = self.0.lock();
            let late = |(index, slot): (usize, &Slot)| (slot.deadline <= now).then_some(index);
            let late: Vec<usize> = state.slots.iter().filter_map(late).collect();
            for index in late {
                let slot = state.slots.remove(index);
                if slot.answer == Kind::Response {
                    calls.push(id(index, slot.number));
                }
                overdue.push(slot.reply);
            }
            state.due = state.slots.iter().map(|(_, slot)| slot.deadline).min();
        }
        for reply in overdue {
            let _ = reply.send(Err(Error::new(Code::Deadline, "")));
        }
        calls
    }

    /// Ends everything with `error`, what is asked later as well. The first error counts.
    pub(crate) fn close(&self, error: &Error) {
        let slots = {
            let mut state = self.0.lock();
            state.closed.get_or_insert_with(|| error.clone());
            std::mem::take(&mut state.slots)
        };
        for (_, slot) in slots {
            let _ = slot.reply.send(Err(error.clone()));
        }
    }

    /// The same if nothing waits. Whether that is so.
    pub(crate) fn close_if_empty(&self, error: &Error) -> bool {
        let mut state = self.0.lock();
        if state.slots.is_empty() {
            state.closed.get_or_insert_with(|| error.clone());
        }
        state.slots.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().slots.is_empty()
    }
}

fn id(index: usize, number: u32) -> u64 {
    // MAX_CALLS keeps an index well below 32 bits.
    index as u64 | u64::from(number) << 32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is the index")]
fn index(id: u64) -> usize {
    id as u32 as usize
}

fn number(id: u64) -> u32 {
    (id >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn open(calls: &Calls, deadline: Instant) -> Opened {
        calls.open(Kind::Response, deadline).unwrap()
    }

    #[test]
    fn a_late_answer_never_meets_the_next_user_of_its_slot() {
        let calls = Calls::new();
        let soon = Instant::now();
        let first = open(&calls, soon);
        assert_eq!(calls.forget(first.id), Some(Kind::Response));
        let mut second = open(&calls, soon);
        assert_eq!(index(first.id), index(second.id));
        calls.answer(first.id, Kind::Response, || Ok(Response::new("late")));
        assert!(second.reply.try_recv().is_err());
        calls.answer(second.id, Kind::Ack, || Ok(Response::new("of another kind")));
        assert!(second.reply.try_recv().is_err());
        calls.answer(second.id, Kind::Response, || Ok(Response::new("own")));
        assert_eq!(second.reply.try_recv().unwrap(), Ok(Response::new("own")));
        assert_eq!(calls.forget(second.id), None);
    }

    #[test]
    fn a_sweep_ends_what_is_overdue_and_nothing_else() {
        let calls = Calls::new();
        let now = Instant::now();
        let mut later = open(&calls, now + Duration::from_secs(1));
        let mut soon = open(&calls, now);
        assert!(later.is_first_due && soon.is_first_due);
        assert!(!open(&calls, now + Duration::from_secs(2)).is_first_due);
        assert_eq!(calls.due(), Some(now));
        assert_eq!(calls.sweep(now), [soon.id]);
        assert_eq!(soon.reply.try_recv().unwrap().unwrap_err().code(), Code::Deadline);
        assert!(later.reply.try_recv().is_err());
        assert_eq!(calls.due(), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn after_the_end_nothing_is_taken() {
        let calls = Calls::new();
        let mut waiting = open(&calls, Instant::now());
        let error = Error::new(Code::Disconnected, "");
        calls.close(&error);
        assert_eq!(waiting.reply.try_recv().unwrap(), Err(error.clone()));
        assert_eq!(calls.open(Kind::Ack, Instant::now()).err(), Some(error));
        assert!(calls.is_empty());
    }

    #[test]
    fn it_is_closed_while_nothing_waits_or_not_at_all() {
        let calls = Calls::new();
        let error = Error::new(Code::Disconnected, "");
        let waiting = open(&calls, Instant::now());
        assert!(!calls.close_if_empty(&error));
        let other = open(&calls, Instant::now());
        calls.forget(waiting.id);
        calls.forget(other.id);
        assert!(calls.close_if_empty(&error));
        assert_eq!(calls.open(Kind::Ack, Instant::now()).err(), Some(error));
    }
}
