//! What waits to be written to a connection.

use std::mem::swap;
use std::task::{Context, Waker};

use parking_lot::Mutex;

/// A byte buffer that anyone fills and one connection drains.
///
/// Only the first bytes after a drain yield a waker: all that follows goes out with the same write. There is
/// no bound, as callers wait for their answers: no more is ever in flight than they ask for.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    buffer: Vec<u8>,
    /// Present while the owner waits for bytes.
    owner: Option<Waker>,
}

impl Outbox {
    /// Adds the parts in turn, with nothing between them. The waker is for after the batch.
    #[must_use = "without its waker the owner sleeps on"]
    pub(crate) fn push<const N: usize>(&self, parts: [&[u8]; N]) -> Option<Waker> {
        let mut state = self.state.lock();
        for part in parts {
            state.buffer.extend_from_slice(part);
        }
        state.owner.take()
    }

    /// Moves everything into `drained`, which must be empty, or notes the owner's waker.
    pub(super) fn drain(&self, drained: &mut Vec<u8>, context: &Context<'_>) {
        let mut state = self.state.lock();
        if state.buffer.is_empty() {
            state.owner = Some(context.waker().clone());
        } else {
            swap(&mut state.buffer, drained);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_push_after_a_drain_wakes() {
        let (outbox, mut drained) = (Outbox::default(), Vec::new());
        let context = Context::from_waker(Waker::noop());

        outbox.drain(&mut drained, &context);
        assert!(outbox.push([b"ab", b"c"]).is_some());
        assert!(outbox.push([b"d"]).is_none());

        outbox.drain(&mut drained, &context);
        assert_eq!(drained, b"abcd");
        assert!(outbox.push([b"e"]).is_none(), "the owner is awake");
    }
}
