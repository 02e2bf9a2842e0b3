//! Who has been silent for too long: what a peer holds for it, and the watch over those whose limit is too short for
//! the sweep.

use crate::outlet::CloseReason;
use crate::punctuality::Punctuality;
use crate::turn::let_others_run;
use crate::{Exchange, Peer};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// No silence is too short for the sweep from here on: it comes every second.
const SWEPT_FROM_MS: u32 = 7_500;

/// The longest pause of the watch. Whoever joins meanwhile has more time than this: three of the shortest intervals.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A watch that is later than this does not keep up: as long as the shortest interval.
const ON_TIME: Duration = Duration::from_millis(100);

/// Peers of the watch that are looked at without a pause.
const PEERS_PER_SLICE: usize = 256;

/// It has not been heard yet.
const NEVER: u32 = u32::MAX;

/// When a peer was last heard from, and the silence that ends it, in milliseconds.
///
/// The clock is cut to 32 bits, which wrap after 49 days. Nobody is silent for half as long: the limit is three hours
/// at most, but for those who have none.
#[derive(Debug)]
pub(crate) struct Liveness {
    heard: AtomicU32,
    limit: u32,
}

impl Liveness {
    pub(crate) fn new(limit: Duration) -> Self {
        let limit = u32::try_from(limit.as_millis()).unwrap_or(NEVER).max(1);
        Self { heard: AtomicU32::new(NEVER), limit }
    }

    pub(crate) fn hear(&self, now: u64) {
        self.heard.store(wrapped(now).min(NEVER - 1), Ordering::Relaxed);
    }

    /// How many milliseconds of silence are left to it at `now`, 0 if it has been silent for too long; `None` if its
    /// silence does not count.
    pub(crate) fn left(&self, now: u64) -> Option<u32> {
        let heard = self.heard.load(Ordering::Relaxed);
        if heard == NEVER || self.limit > i32::MAX.unsigned_abs() {
            return None;
        }
        // One that was heard after the clock was read has been silent for a negative time.
        let silent = wrapped(now).wrapping_sub(heard).cast_signed().max(0).unsigned_abs();
        Some((self.limit + 1).saturating_sub(silent))
    }

    /// Whether it is the watch that looks at it, and not the sweep.
    pub(crate) fn needs_watch(&self) -> bool {
        self.limit < SWEPT_FROM_MS
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
fn wrapped(millis: u64) -> u32 {
    millis as u32
}

/// Those whose silence is too short for the sweep, each with when to look at it: once in about two of its intervals,
/// since whoever has been heard meanwhile is put off. One that has gone is forgotten when its turn comes.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    due: BinaryHeap<Reverse<Turn>>,
    /// When it is to be looked at again.
    next: Option<Instant>,
    punctuality: Punctuality,
}

/// When to look at a peer, in milliseconds of the exchange's clock.
#[derive(Debug)]
struct Turn(u64, Weak<Peer>);

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Turn {}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl Watch {
    /// Whether peers may be called silent at `now`.
    fn begin(&mut self, now: Instant) -> bool {
        let late = self.next.map_or(Duration::ZERO, |next| now.saturating_duration_since(next));
        self.punctuality.judges(now, late, ON_TIME)
    }

    /// How long to pause from `now` on, which is `clock`.
    fn end(&mut self, now: Instant, clock: u64) -> Duration {
        let until_due = |turn: &Reverse<Turn>| Duration::from_millis(turn.0.0.saturating_sub(clock));
        let pause = self.due.peek().map_or(LONGEST_PAUSE, until_due).min(LONGEST_PAUSE);
        self.next = Some(now + pause);
        pause
    }

    fn pop_due(&mut self, clock: u64) -> Option<Weak<Peer>> {
        self.due.peek().filter(|turn| turn.0.0 <= clock)?;
        self.due.pop().map(|turn| turn.0.1)
    }

    /// Some of those who have been silent for too long at `clock`. The others whose turn has come are put off. With
    /// it comes whether there may be more.
    fn silent(&mut self, clock: u64) -> (Vec<Arc<Peer>>, bool) {
        let mut silent = Vec::new();
        for _ in 0..PEERS_PER_SLICE {
            let Some(peer) = self.pop_due(clock) else { return (silent, false) };
            let Some(alive) = peer.upgrade() else { continue };
            match alive.liveness().left(clock) {
                Some(0) => silent.push(alive),
                Some(left) => self.due.push(Reverse(Turn(clock + u64::from(left), peer))),
                None => {}
            }
        }
        (silent, true)
    }
}

impl Exchange {
    /// `peer` is there, and from now on its silence counts.
    pub fn expect_life(&self, peer: &Arc<Peer>) {
        self.expect_life_at(peer, self.millis());
    }

    pub(crate) fn expect_life_at(&self, peer: &Arc<Peer>, clock: u64) {
        peer.hear(clock);
        if peer.liveness().needs_watch()
            && let Some(left) = peer.liveness().left(clock)
        {
            self.watch.lock().due.push(Reverse(Turn(clock + u64::from(left), Arc::downgrade(peer))));
        }
    }

    /// Closes those who have been silent for too long, and whose limit is too short for the [sweep](Self::sweep) to
    /// be exact. It is to be called again after the pause that it returns: then each is noticed within a tenth of its
    /// interval. Nobody is called silent by a gateway that was late itself.
    ///
    /// # Cancel safety
    /// Cancel safe: the others are closed by the next one.
    pub async fn watch(&self) -> Duration {
        self.watch_at(Instant::now(), self.millis()).await
    }

    pub(crate) async fn watch_at(&self, now: Instant, clock: u64) -> Duration {
        let judges = !self.punctuality.lock().is_behind(now) && self.watch.lock().begin(now);
        if !judges {
            let mut watch = self.watch.lock();
            watch.next = Some(now + LONGEST_PAUSE);
            return LONGEST_PAUSE;
        }
        loop {
            let (silent, more) = self.watch.lock().silent(clock);
            for peer in &silent {
                self.log_closed(peer, &CloseReason::Silent);
                peer.outlet().close(CloseReason::Silent);
            }
            if !more {
                return self.watch.lock().end(now, clock);
            }
            let_others_run().await;
        }
    }
}

#[cfg(test)]
mod tests;
