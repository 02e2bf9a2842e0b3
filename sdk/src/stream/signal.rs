//! Wakes everyone who waits for the same half of a stream.

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// How many tasks may wait before all are woken for nothing, so that wakers of tasks which no longer
/// care do not pile up.
const MAX_WAITING: usize = 256;

/// Tasks that wait for the same thing. The mux has room for one waker in each direction; this is the
/// one it gets.
#[derive(Debug, Default)]
pub(super) struct Signal {
    waiting: Mutex<Waiting>,
    pump: AtomicWaker,
}

/// The usual case is one.
#[derive(Debug, Default)]
struct Waiting {
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Signal {
    /// Polls `poll` with this signal as its waker. The task of `cx` is woken with all others.
    pub(super) fn poll<T>(
        self: &Arc<Self>,
        cx: &Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let waker = Waker::from(self.clone());
        let mut inner = Context::from_waker(&waker);
        if let Poll::Ready(value) = poll(&mut inner) {
            return Poll::Ready(value);
        }
        self.register(cx.waker());
        // What came before the registration woke nobody.
        poll(&mut inner)
    }

    /// Makes the task of `cx` the pump, which is woken by everything that wakes anyone.
    pub(super) fn set_pump(&self, cx: &Context<'_>) {
        self.pump.register(cx.waker());
    }

    pub(super) fn register(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock();
        match &waiting.first {
            None => waiting.first = Some(waker.clone()),
            Some(first) if first.will_wake(waker) => {}
            Some(_) if waiting.more.iter().any(|other| other.will_wake(waker)) => {}
            Some(_) => waiting.more.push(waker.clone()),
        }
        if waiting.more.len() >= MAX_WAITING {
            drop(waiting);
            self.wake_waiting();
        }
    }

    /// Wakes everyone but the pump.
    pub(super) fn wake_waiting(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.first.into_iter().chain(waiting.more).for_each(Waker::wake);
    }

    pub(super) fn wake_pump(&self) {
        self.pump.wake();
    }

    pub(super) fn wake_all(&self) {
        self.wake_waiting();
        self.wake_pump();
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}
