//! A thread of connections that stays awake for a while after it had something to do.
//!
//! To wake a thread that sleeps takes longer than most of what it is woken for. Who has processors to spare can have it
//! look for more instead, for a bounded time; then it sleeps as any other.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

/// For how long a thread stays awake, and how long it did so for nothing.
///
/// One task of the thread's own runtime, which is a current-thread one, awaits [`run`](Self::run); what the thread
/// carries calls [`busy`](Self::busy).
#[derive(Debug, Default)]
pub struct Spin {
    /// In nanoseconds; 0 for not at all.
    bound: AtomicU64,
    is_busy: AtomicBool,
    sleeps: AtomicBool,
    wake: Notify,
    /// For how long it has looked in vain, in nanoseconds.
    idle: AtomicU64,
}

impl Spin {
    /// The longest that a thread may be kept awake.
    pub const MAX: Duration = Duration::from_millis(10);

    /// Of a thread that stays awake for so long after it had something to do, [`MAX`](Self::MAX) at most.
    #[must_use]
    pub fn new(bound: Duration) -> Self {
        let this = Self::default();
        this.at_least(bound);
        this
    }

    /// Has the thread stay awake for so long from now on, unless it does so for longer.
    pub fn at_least(&self, bound: Duration) {
        self.bound.fetch_max(nanos(bound.min(Self::MAX)), Ordering::Relaxed);
    }

    /// The thread has something to do.
    #[inline]
    pub fn busy(&self) {
        if self.bound.load(Ordering::Relaxed) > 0 && !self.is_busy.load(Ordering::Relaxed) {
            self.becomes_busy();
        }
    }

    fn becomes_busy(&self) {
        self.is_busy.store(true, Ordering::SeqCst);
        if self.sleeps.swap(false, Ordering::SeqCst) {
            self.wake.notify_one();
        }
    }

    /// For how long the thread has computed since it began only to stay awake.
    #[must_use]
    pub fn idle(&self) -> Duration {
        Duration::from_nanos(self.idle.load(Ordering::Relaxed))
    }

    /// Keeps the thread awake, for ever. The runtime looks at its sockets each time this lets others run.
    pub async fn run(&self) -> Infallible {
        loop {
            self.sleeps.store(true, Ordering::SeqCst);
            if !self.is_busy.load(Ordering::SeqCst) {
                self.wake.notified().await;
            }
            self.sleeps.store(false, Ordering::SeqCst);
            self.stay_awake().await;
        }
    }

    async fn stay_awake(&self) {
        let mut looked = Instant::now();
        let mut busy = looked;
        while nanos(looked - busy) < self.bound.load(Ordering::Relaxed) {
            yield_now().await;
            let now = Instant::now();
            if self.is_busy.swap(false, Ordering::SeqCst) {
                busy = now;
            } else {
                self.idle.fetch_add(nanos(now - looked), Ordering::Relaxed);
            }
            looked = now;
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Instant as Start;

    fn spinning(bound: Duration) -> Arc<Spin> {
        let spin = Arc::new(Spin::new(bound));
        let runs = spin.clone();
        tokio::spawn(async move { runs.run().await });
        spin
    }

    async fn until(is_so: impl Fn() -> bool) {
        let start = Start::now();
        while !is_so() {
            assert!(start.elapsed() < Duration::from_secs(10), "not in time");
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn it_stays_awake_for_so_long_after_each_time_and_then_sleeps() {
        let spin = spinning(Duration::from_millis(2));
        for round in 1..=3 {
            until(|| spin.sleeps.load(Ordering::SeqCst)).await;
            let before = spin.idle();
            spin.busy();
            assert!(!spin.sleeps.load(Ordering::SeqCst), "round {round}");
            until(|| spin.sleeps.load(Ordering::SeqCst)).await;
            let idle = spin.idle() - before;
            assert!(idle >= Duration::from_millis(2) / 2, "{idle:?} in round {round}");
        }
    }

    #[tokio::test]
    async fn whoever_is_busy_again_stays_awake() {
        let spin = spinning(Spin::MAX);
        until(|| spin.sleeps.load(Ordering::SeqCst)).await;
        let start = Start::now();
        while start.elapsed() < 2 * Spin::MAX {
            spin.busy();
            yield_now().await;
            assert!(!spin.sleeps.load(Ordering::SeqCst));
        }
    }

    #[tokio::test]
    async fn unless_it_is_asked_for_nothing_happens() {
        let spin = spinning(Duration::ZERO);
        until(|| spin.sleeps.load(Ordering::SeqCst)).await;
        spin.busy();
        assert!(spin.sleeps.load(Ordering::SeqCst));
        spin.at_least(Duration::from_secs(1));
        spin.at_least(Duration::from_micros(1));
        assert_eq!(
            spin.bound.load(Ordering::Relaxed),
            nanos(Spin::MAX),
            "the longest that was asked for counts"
        );
    }
}
