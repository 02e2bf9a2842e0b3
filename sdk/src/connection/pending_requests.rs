//! The table of requests that wait for their answers.

use crate::delivery::{Completion, Reply};
use crate::{Error, Response};
use frontier_protocol::{Code, Kind};
use parking_lot::Mutex;
use slab::Slab;
use tokio::time::Instant;

/// How many requests may be pending on one connection.
const MAX_PENDING: usize = 1 << 20;

/// How a request ended. An ack or the like is an empty response.
pub(crate) type Answer = Result<Response, Error>;

/// The pending requests of one connection: calls, acked messages and registrations that wait for their answer.
///
/// An id is an index into a slab and, above it, the number of the request, so that a late answer
/// never meets the next user of its slot. The lock is held for a few instructions at a time, but for
/// the sweep, which is rare.
pub(crate) struct PendingRequests(Mutex<State>);

struct State {
    slots: Slab<Slot>,
    /// Number of the next request, never 0: an id of 0 asks for no answer.
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
    reply: Reply,
}

/// A request that has its slot.
pub(crate) struct Inserted {
    pub(crate) id: u64,
    /// Whether its deadline is the first one due, which the connection's task must hear of.
    pub(crate) is_first_due: bool,
}

impl PendingRequests {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { slots: Slab::new(), number: 1, due: None, closed: None }))
    }

    /// A slot for a request that a frame of the kind `answer` answers.
    pub(crate) fn insert(&self, answer: Kind, deadline: Instant, reply: Reply) -> Result<Inserted, Error> {
        let mut state = self.0.lock();
        if let Some(error) = &state.closed {
            return Err(error.clone());
        }
        if state.slots.len() >= MAX_PENDING {
            return Err(Error::new(
                Code::Overloaded,
                format!("{MAX_PENDING} requests are pending on this connection: wait for some of them"),
            ));
        }
        let number = state.number;
        state.number = number.checked_add(1).unwrap_or(1);
        let index = state.slots.insert(Slot { number, answer, deadline, reply });
        let is_first_due = state.due.is_none_or(|due| deadline < due);
        if is_first_due {
            state.due = Some(deadline);
        }
        Ok(Inserted { id: id(index, number), is_first_due })
    }

    /// An answer and its requester. A late one, or one to nothing, is dropped.
    pub(crate) fn complete(
        &self,
        id: u64,
        kind: Kind,
        answer: impl FnOnce() -> Answer,
    ) -> Option<Completion> {
        let slot = {
            let mut state = self.0.lock();
            match state.slots.get(index(id)) {
                Some(slot) if slot.number == number(id) && slot.answer == kind => {
                    state.slots.remove(index(id))
                }
                _ => return None,
            }
        };
        Some(Completion { reply: slot.reply, answer: answer() })
    }

    /// Frees a slot before its answer came. Returns the kind of the answer, or `None` if it
    /// has come.
    pub(crate) fn remove(&self, id: u64) -> Option<Kind> {
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
            reply.give(Err(Error::new(Code::Deadline, "")));
        }
        calls
    }

    /// Ends everything with `error`, later requests as well. The first error counts.
    pub(crate) fn close(&self, error: &Error) {
        let slots = {
            let mut state = self.0.lock();
            state.closed.get_or_insert_with(|| error.clone());
            std::mem::take(&mut state.slots)
        };
        for (_, slot) in slots {
            slot.reply.give(Err(error.clone()));
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
    // MAX_PENDING keeps an index well below 32 bits.
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
    use tokio::sync::oneshot;

    struct Waits {
        id: u64,
        is_first_due: bool,
        reply: oneshot::Receiver<Answer>,
    }

    fn insert(pending: &PendingRequests, deadline: Instant) -> Waits {
        let (sender, reply) = oneshot::channel();
        let Inserted { id, is_first_due } =
            pending.insert(Kind::Response, deadline, Reply::Alone(sender)).unwrap();
        Waits { id, is_first_due, reply }
    }

    fn refusal(pending: &PendingRequests) -> Option<Error> {
        pending.insert(Kind::Ack, Instant::now(), Reply::Alone(oneshot::channel().0)).err()
    }

    fn complete(pending: &PendingRequests, id: u64, kind: Kind, answer: impl FnOnce() -> Answer) {
        if let Some(completion) = pending.complete(id, kind, answer) {
            completion.deliver();
        }
    }

    #[test]
    fn a_late_answer_never_meets_the_next_user_of_its_slot() {
        let pending = PendingRequests::new();
        let soon = Instant::now();
        let first = insert(&pending, soon);
        assert_eq!(pending.remove(first.id), Some(Kind::Response));
        let mut second = insert(&pending, soon);
        assert_eq!(index(first.id), index(second.id));
        complete(&pending, first.id, Kind::Response, || Ok(Response::new("late")));
        assert!(second.reply.try_recv().is_err());
        complete(&pending, second.id, Kind::Ack, || Ok(Response::new("of another kind")));
        assert!(second.reply.try_recv().is_err());
        complete(&pending, second.id, Kind::Response, || Ok(Response::new("own")));
        assert_eq!(second.reply.try_recv().unwrap(), Ok(Response::new("own")));
        assert_eq!(pending.remove(second.id), None);
    }

    #[test]
    fn a_sweep_ends_what_is_overdue_and_nothing_else() {
        let pending = PendingRequests::new();
        let now = Instant::now();
        let mut later = insert(&pending, now + Duration::from_secs(1));
        let mut soon = insert(&pending, now);
        assert!(later.is_first_due && soon.is_first_due);
        assert!(!insert(&pending, now + Duration::from_secs(2)).is_first_due);
        assert_eq!(pending.due(), Some(now));
        assert_eq!(pending.sweep(now), [soon.id]);
        assert_eq!(soon.reply.try_recv().unwrap().unwrap_err().code(), Code::Deadline);
        assert!(later.reply.try_recv().is_err());
        assert_eq!(pending.due(), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn after_the_end_nothing_is_taken() {
        let pending = PendingRequests::new();
        let mut waiting = insert(&pending, Instant::now());
        let error = Error::new(Code::Disconnected, "");
        pending.close(&error);
        assert_eq!(waiting.reply.try_recv().unwrap(), Err(error.clone()));
        assert_eq!(refusal(&pending), Some(error));
        assert!(pending.is_empty());
    }

    #[test]
    fn it_is_closed_while_nothing_waits_or_not_at_all() {
        let pending = PendingRequests::new();
        let error = Error::new(Code::Disconnected, "");
        let waiting = insert(&pending, Instant::now());
        assert!(!pending.close_if_empty(&error));
        let other = insert(&pending, Instant::now());
        pending.remove(waiting.id);
        pending.remove(other.id);
        assert!(pending.close_if_empty(&error));
        assert_eq!(refusal(&pending), Some(error));
    }
}
