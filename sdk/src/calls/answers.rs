//! Where the answers to the calls of one task come together.

use crate::connection::Answer;
use parking_lot::Mutex;
use std::task::{Context, Waker};

/// Which of the calls of a task: where it is kept, and the number of its attempt, as the next call of that place is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) index: usize,
    pub(crate) number: u64,
}

/// Answers that have come and were not taken yet. Bounded by the calls that are under way, and those that were cancelled
/// since they were taken last.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    answers: Vec<(Place, Answer)>,
    /// Who waits for the first one.
    waker: Option<Waker>,
    /// How many there were the last time.
    usual: usize,
}

impl Answers {
    /// Adds one. Who is to be woken for it: nobody, but for the first.
    #[must_use]
    pub(crate) fn put(&self, place: Place, answer: Answer) -> Option<Waker> {
        let mut waiting = self.0.lock();
        if waiting.answers.capacity() == 0 {
            let usual = waiting.usual;
            waiting.answers.reserve(usual);
        }
        waiting.answers.push((place, answer));
        waiting.waker.take()
    }

    /// Takes them all, or has the task woken when there are some. The memory goes with them: of many tasks most have none.
    pub(super) fn take(&self, cx: &Context<'_>) -> Option<Vec<(Place, Answer)>> {
        let mut waiting = self.0.lock();
        if waiting.answers.is_empty() {
            match &mut waiting.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return None;
        }
        waiting.waker = None;
        waiting.usual = waiting.answers.len();
        Some(std::mem::take(&mut waiting.answers))
    }

    /// Takes them all, if there are any.
    pub(super) fn take_ready(&self) -> Vec<(Place, Answer)> {
        let mut waiting = self.0.lock();
        if !waiting.answers.is_empty() {
            waiting.usual = waiting.answers.len();
        }
        std::mem::take(&mut waiting.answers)
    }
}
