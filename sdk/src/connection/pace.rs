//! How a connection is used: by one call after the other, by many at once, or by others who ask the program.

use std::sync::atomic::{AtomicU32, Ordering};

/// So many reads in a row with one frame each make a lone caller.
const LONE: u32 = 16;

/// The weight of reads with several frames from which on there are many callers.
const CROWDED: u32 = 16;

/// So many more frames that the program takes than others make one that serves.
const SERVING: u32 = 64;

/// What a connection's reads tell of its use.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Reads in a row with one frame.
    lone: AtomicU32,
    /// Grows with the frames of a read that has several, shrinks with each that has one.
    crowd: AtomicU32,
    /// Grows with each frame that the program takes at once, shrinks with each other one.
    served: AtomicU32,
}

impl Pace {
    /// So many frames came in one read, `taken` of which the program takes at once: requests to quick handlers, and messages.
    pub(super) fn note(&self, frames: u32, taken: u32) {
        let get = |count: &AtomicU32| count.load(Ordering::Relaxed);
        match frames {
            0 => return,
            1 => {
                self.lone.store(get(&self.lone).saturating_add(1), Ordering::Relaxed);
                self.crowd.store(get(&self.crowd).saturating_sub(1), Ordering::Relaxed);
            }
            _ => {
                self.lone.store(0, Ordering::Relaxed);
                self.crowd.store((get(&self.crowd) + frames).min(2 * CROWDED), Ordering::Relaxed);
            }
        }
        let served = (get(&self.served) + taken).saturating_sub(frames.saturating_sub(taken));
        self.served.store(served.min(2 * SERVING), Ordering::Relaxed);
    }

    /// Whether what comes is best dealt with on the program's threads: for a lone caller, or by the program itself.
    pub(super) fn is_local(&self) -> bool {
        self.lone.load(Ordering::Relaxed) >= LONE || self.served.load(Ordering::Relaxed) >= SERVING
    }

    /// Whether several answers come at once, which are best shared out from elsewhere.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowd.load(Ordering::Relaxed) >= CROWDED && self.served.load(Ordering::Relaxed) < SERVING / 2
    }

    /// From here on only what comes later counts for [`is_local`](Self::is_local).
    pub(super) fn forget(&self) {
        self.lone.store(0, Ordering::Relaxed);
        self.served.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_caller_is_told_from_many_and_neither_by_chance() {
        let pace = Pace::default();
        (1..LONE).for_each(|_| pace.note(1, 0));
        pace.note(2, 0);
        assert!(!pace.is_local() && !pace.is_crowded());
        (0..LONE).for_each(|_| pace.note(1, 0));
        assert!(pace.is_local());
        pace.forget();
        assert!(!pace.is_local());
        (0..100).for_each(|_| {
            pace.note(3, 0);
            (0..3).for_each(|_| pace.note(1, 0));
        });
        assert!(!pace.is_crowded());
        (0..CROWDED).for_each(|_| pace.note(3, 0));
        assert!(pace.is_crowded() && !pace.is_local());
        (0..2 * CROWDED).for_each(|_| pace.note(1, 0));
        assert!(!pace.is_crowded());
    }

    #[test]
    fn a_program_that_serves_many_is_told_from_one_that_calls() {
        let pace = Pace::default();
        pace.note(SERVING - 1, SERVING - 1);
        assert!(!pace.is_local());
        pace.note(2, 2);
        assert!(pace.is_local() && !pace.is_crowded());
        // As many calls as it answers change nothing.
        (0..100).for_each(|_| pace.note(20, 10));
        assert!(pace.is_local() && !pace.is_crowded());
        (0..100).for_each(|_| pace.note(20, 0));
        assert!(!pace.is_local() && pace.is_crowded());
        pace.note(10 * SERVING, 10 * SERVING);
        pace.forget();
        assert!(!pace.is_local());
    }
}
