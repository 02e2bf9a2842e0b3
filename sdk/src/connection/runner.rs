//! Running quick handlers one after the other, where no connection waits for them.

use super::Connection;
use super::backlog::Queued;
use super::job::Job;
use crate::client::Client;
use crate::handler::Handler;
use parking_lot::Mutex;
use std::cell::Cell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// After how long in one handler another task goes on with the queue, at most twice that.
const PATIENCE: Duration = Duration::from_millis(2);

/// How many handlers run in one poll before other tasks of the user's runtime get their turn.
const IN_A_ROW: usize = 64;

thread_local! {
    static IS_CURRENT: Cell<bool> = const { Cell::new(false) };
}

/// Whether a [`Runner`] polls this, and sends the answers of many requests together.
pub(super) fn is_current() -> bool {
    IS_CURRENT.get()
}

/// Makes it so until it is dropped, also by a panic.
struct Current;

impl Current {
    fn begin() -> Self {
        IS_CURRENT.set(true);
        Self
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        IS_CURRENT.set(false);
    }
}

/// A queue of requests whose handlers have shown to be quick, and the task on the user's runtime that runs them.
///
/// One task for many requests is woken once for all that come in one read, and their answers go out together. A
/// handler that blocks after all is left alone with its task: the connection's task sees that the queue stands still,
/// and starts another one.
pub(super) struct Runner {
    client: Arc<Client>,
    connection: Arc<Connection>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Bounded as the handlers that run are.
    queue: VecDeque<Queued>,
    /// Of the task whose turn it is, while it waits.
    waker: Option<Waker>,
    /// The number of the task that may take from the queue; 0 before there is one.
    turn: u64,
    /// Requests that have been taken from the queue.
    taken: u64,
    /// The handler that is being polled.
    current: Option<Arc<dyn Handler<Job>>>,
    /// When to look whether the queue stands still, and how many had been taken before.
    check: Option<(Instant, u64)>,
    has_ended: bool,
}

/// The task of a [`Runner`].
struct Task {
    runner: Arc<Runner>,
    turn: u64,
}

/// What a task does next.
enum Next {
    Run(Queued),
    Wait,
    Over,
}

impl Runner {
    /// Of a connection, whose task calls everything here.
    pub(super) fn new(client: Arc<Client>, connection: Arc<Connection>) -> Self {
        Self { client, connection, state: Mutex::default() }
    }

    /// Queues a request. It waits for [`wake`](Self::wake) if the task does nothing now.
    pub(super) fn push(self: &Arc<Self>, queued: Queued) {
        let mut state = self.state.lock();
        state.queue.push_back(queued);
        if state.turn == 0 {
            self.start(&mut state);
        }
    }

    pub(super) fn wake(&self) {
        let mut state = self.state.lock();
        let waker = if state.queue.is_empty() { None } else { state.waker.take() };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Forgets a request that waits.
    pub(super) fn cancel(&self, id: u64) {
        let mut state = self.state.lock();
        let place = state.queue.iter().position(|queued| queued.id == id);
        let cancelled = place.and_then(|place| state.queue.remove(place));
        drop(state);
        drop(cancelled);
    }

    /// When to look whether the queue stands still. The connection's task then also sends the answers that a handler holds
    /// up which blocks behind theirs.
    pub(super) fn next_check(&self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        let mut state = self.state.lock();
        let is_busy = state.current.is_some() || !state.queue.is_empty();
        if state.check.is_none() && is_busy {
            state.check = Some((now() + PATIENCE, state.taken));
        }
        state.check.map(|(at, _)| at)
    }

    /// Starts another task if the one whose turn it is stays in one handler while others wait.
    pub(super) fn check(self: &Arc<Self>, now: Instant) {
        let mut state = self.state.lock();
        let Some((_, taken)) = state.check.take_if(|(at, _)| *at <= now) else { return };
        if state.taken != taken || state.queue.is_empty() {
            return;
        }
        // A task that is not in a handler waits for a thread, as another one would.
        if let Some(handler) = state.current.take() {
            handler.blocks();
            self.start(&mut state);
            drop(state);
        }
    }

    /// The connection has ended: nothing that waits is run.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.has_ended = true;
        let (left, waker) = (std::mem::take(&mut state.queue), state.waker.take());
        drop(state);
        drop(left);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn start(self: &Arc<Self>, state: &mut State) {
        state.turn += 1;
        state.waker = None;
        let task = Task { runner: self.clone(), turn: state.turn };
        self.client.executor.user().spawn(task);
    }

    fn next(&self, turn: u64, cx: &Context<'_>) -> Next {
        let mut state = self.state.lock();
        if state.turn != turn || state.has_ended {
            return Next::Over;
        }
        let Some(queued) = state.queue.pop_front() else {
            state.current = None;
            state.waker = Some(cx.waker().clone());
            return Next::Wait;
        };
        state.taken += 1;
        state.current = Some(queued.handler.clone());
        Next::Run(queued)
    }

    /// No handler is being polled.
    fn pauses(&self, turn: u64) {
        let mut state = self.state.lock();
        if state.turn == turn {
            state.current = None;
        }
    }
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { runner, turn } = &*self;
        let mut clock = Instant::now();
        for _ in 0..IN_A_ROW {
            match runner.next(*turn, cx) {
                Next::Run(queued) => {
                    let runtime = runner.client.executor.user();
                    let current = Current::begin();
                    let goes_on = queued.start(&runner.connection, &mut clock, runtime);
                    drop(current);
                    if goes_on {
                        // The new task has this thread now: if the next handler blocks, no other could take it over.
                        break;
                    }
                }
                Next::Wait => {
                    runner.connection.link.wake();
                    return Poll::Pending;
                }
                Next::Over => {
                    runner.connection.link.wake();
                    return Poll::Ready(());
                }
            }
        }
        runner.pauses(*turn);
        runner.connection.link.wake();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
