//! The task of a connection, between the thread for connections and the program's runtime.
//!
//! ```text
//!            16 reads in a row with one frame each, or requests that the program answers at once
//!   thread ─────────────────────────────────────────────────────────────────────────────────────▶ program's runtime
//!      ▲                                                                                                │
//!      ├── several answers in one read, time and again ─────────────────────────────────────────────────┤
//!      └── not polled for 20 to 40 ms, idle or held up; then it stays for a second ─────────────────────┘
//! ```

use super::End;
use super::pace::Pace;
use crate::executor::Executor;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep};

/// How long a connection stays on the program's runtime without being polled there; up to twice that.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long one stays on the thread that had to be taken back. A program that is held up would get it again and again, and
/// hold it up each time.
const REST: Duration = Duration::from_secs(1);

/// A connection's task that either of two runtimes carries on.
///
/// On the thread for connections it shares wake-ups with all others, and nothing of the program holds it up. A single
/// caller that waits for one answer after the other has nothing to share, and pays for two hops between threads; requests
/// that the program answers at once pay for two as well. So such a connection moves to the program's runtime meanwhile,
/// where its wake-ups stay on one thread; the thread for connections looks after it, and takes it back once it stands still.
struct MigratingTask {
    task: Mutex<Option<BoxFuture<'static, End>>>,
    end: Mutex<Option<End>>,
    /// Counts the moves. While it is even the task is with the thread for connections.
    moves: AtomicU64,
    /// How often the program's runtime has polled it.
    polls: AtomicU64,
    /// Somebody who wanted to poll it found it being polled.
    is_missed: AtomicBool,
    /// Of the half on the thread.
    waker: OnceLock<Waker>,
    executor: Executor,
    pace: Arc<Pace>,
}

/// What is spawned on the thread for connections. It lasts as long as the connection.
pub(super) struct Home {
    shared: Arc<MigratingTask>,
    watch: Option<Watch>,
    /// The last visit, until it is known to be over: one that waits is woken by nobody once the task is home.
    visit: Option<AbortHandle>,
    rests_until: Option<Instant>,
}

/// How the thread looks after a connection that is with the program's runtime.
struct Watch {
    timer: Pin<Box<Sleep>>,
    polls: u64,
}

/// What is spawned on the program's runtime. It lasts as long as the visit.
struct Visit {
    shared: Arc<MigratingTask>,
    moves: u64,
}

/// How a poll of the task went.
#[derive(PartialEq, Eq)]
enum Polled {
    Pending,
    /// It is over, and its end noted.
    Over,
    /// It is with the other runtime.
    Elsewhere,
    /// It is being polled. Who does will see to it that this is not missed.
    Busy,
}

impl MigratingTask {
    fn poll(&self, moves: u64, cx: &mut Context<'_>) -> Polled {
        let task = self.task.try_lock().or_else(|| {
            self.is_missed.store(true, Ordering::SeqCst);
            // Either this finds it unlocked, or who unlocks it finds the note.
            fence(Ordering::SeqCst);
            self.task.try_lock()
        });
        let Some(mut task) = task else { return Polled::Busy };
        if self.moves.load(Ordering::Acquire) != moves {
            return Polled::Elsewhere;
        }
        let Some(future) = task.as_mut() else { return Polled::Over };
        if let Poll::Ready(end) = future.as_mut().poll(cx) {
            *self.end.lock() = Some(end);
            *task = None;
        }
        let is_over = task.is_none();
        drop(task);
        fence(Ordering::SeqCst);
        if self.is_missed.swap(false, Ordering::SeqCst) {
            cx.waker().wake_by_ref();
            // Where it was missed from there, and this runtime gets to nothing more.
            self.wake_home();
        }
        if is_over { Polled::Over } else { Polled::Pending }
    }

    /// Ends the visit, or the stay, that `moves` counts.
    fn depart(&self, moves: u64) -> bool {
        self.moves.compare_exchange(moves, moves + 1, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn wake_home(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }
}

impl Home {
    pub(super) fn new(
        task: impl Future<Output = End> + Send + 'static,
        executor: Executor,
        pace: Arc<Pace>,
    ) -> Self {
        let shared = MigratingTask {
            task: Mutex::new(Some(Box::pin(task))),
            end: Mutex::new(None),
            moves: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            is_missed: AtomicBool::new(false),
            waker: OnceLock::new(),
            executor,
            pace,
        };
        Self { shared: Arc::new(shared), watch: None, visit: None, rests_until: None }
    }
}

impl Future for Home {
    type Output = End;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End> {
        let Self { shared, watch, visit, rests_until } = &mut *self;
        shared.waker.get_or_init(|| cx.waker().clone());
        loop {
            if let Some(end) = shared.end.lock().take() {
                return Poll::Ready(end);
            }
            let moves = shared.moves.load(Ordering::Acquire);
            if !is_home(moves) {
                let watch = watch.get_or_insert_with(|| Watch::new(shared));
                if watch.poll(shared, cx).is_pending() {
                    return Poll::Pending;
                }
                if shared.depart(moves) {
                    shared.pace.forget();
                    *rests_until = Some(Instant::now() + REST);
                }
                continue;
            }
            *watch = None;
            let polled = shared.poll(moves, cx);
            if polled != Polled::Busy
                && let Some(over) = visit.take()
            {
                over.abort();
            }
            match polled {
                Polled::Over | Polled::Elsewhere => {}
                Polled::Busy => return Poll::Pending,
                Polled::Pending
                    if shared.pace.is_local()
                        && rests_until.is_none_or(|until| until <= Instant::now())
                        && shared.depart(moves) =>
                {
                    let task = Visit { shared: shared.clone(), moves: moves + 1 };
                    *visit = Some(shared.executor.user().spawn(task).abort_handle());
                }
                Polled::Pending => return Poll::Pending,
            }
        }
    }
}

impl Watch {
    fn new(shared: &MigratingTask) -> Self {
        Self { timer: Box::pin(sleep(PATIENCE)), polls: shared.polls.load(Ordering::Relaxed) }
    }

    /// Ready if the task has not been polled for long.
    fn poll(&mut self, shared: &MigratingTask, cx: &mut Context<'_>) -> Poll<()> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let polls = shared.polls.load(Ordering::Relaxed);
            if polls == self.polls {
                return Poll::Ready(());
            }
            *self = Self::new(shared);
        }
        Poll::Pending
    }
}

impl Future for Visit {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { shared, moves } = &*self;
        shared.polls.fetch_add(1, Ordering::Relaxed);
        match shared.poll(*moves, cx) {
            Polled::Pending if !shared.pace.is_crowded() => return Poll::Pending,
            Polled::Pending => {
                shared.depart(*moves);
            }
            Polled::Busy => return Poll::Pending,
            Polled::Over | Polled::Elsewhere => {}
        }
        shared.wake_home();
        Poll::Ready(())
    }
}

fn is_home(moves: u64) -> bool {
    moves.is_multiple_of(2)
}
