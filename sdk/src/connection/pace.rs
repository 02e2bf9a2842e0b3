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
    /// Grows with each frame that the program takes at once, shrinks with each that nobody asks it anything with.
    served: AtomicU32,
}

/// What came in one read, in frames.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read {
    pub(super) frames: u32,
    /// Requests and messages among them.
    pub(super) asked: u32,
    /// Those of them that the program takes at once: messages, and requests to quick handlers.
    pub(super) taken: u32,
}

impl Pace {
    pub(super) fn note(&self, Read { frames, asked, taken }: Read) {
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
        let served = (get(&self.served) + taken).min(2 * SERVING);
        self.served.store(served.saturating_sub(frames.saturating_sub(asked)), Ordering::Relaxed);
    }

    /// Whether what comes is best dealt with on the program's threads: for a lone caller, or by the program itself.
    pub(super) fn is_local(&self) -> bool {
        self.lone.load(Ordering::Relaxed) >= LONE || self.served.load(Ordering::Relaxed) >= SERVING
    }

    /// Whether several answers come at once, which are best shared out from elsewhere. Never true of what is local.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowd.load(Ordering::Relaxed) >= CROWDED
            && self.lone.load(Ordering::Relaxed) < LONE
            && self.served.load(Ordering::Relaxed) < SERVING / 2
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

    /// Reads of so many answers, and of so many requests that are taken at once.
    fn read(pace: &Pace, answers: u32, taken: u32) {
        pace.note(Read { frames: answers + taken, asked: taken, taken });
    }

    #[test]
    fn a_lone_caller_is_told_from_many_and_neither_by_chance() {
        let pace = Pace::default();
        (1..LONE).for_each(|_| read(&pace, 1, 0));
        read(&pace, 2, 0);
        assert!(!pace.is_local() && !pace.is_crowded());
        (0..LONE).for_each(|_| read(&pace, 1, 0));
        assert!(pace.is_local());
        pace.forget();
        assert!(!pace.is_local());
        (0..100).for_each(|_| {
            read(&pace, 3, 0);
            (0..3).for_each(|_| read(&pace, 1, 0));
        });
        assert!(!pace.is_crowded());
        (0..CROWDED).for_each(|_| read(&pace, 3, 0));
        assert!(pace.is_crowded() && !pace.is_local());
        (0..2 * CROWDED).for_each(|_| read(&pace, 1, 0));
        assert!(!pace.is_crowded());
    }

    #[test]
    fn a_connection_that_would_come_does_not_want_to_leave_at_once() {
        let pace = Pace::default();
        (0..CROWDED).for_each(|_| read(&pace, 3, 0));
        (1..=4 * LONE).for_each(|reads| {
            read(&pace, 1, 0);
            assert_eq!(pace.is_local(), reads >= LONE);
            assert!(!(pace.is_local() && pace.is_crowded()), "after {reads} reads");
        });
    }

    #[test]
    fn a_program_that_serves_many_is_told_from_one_that_calls() {
        let pace = Pace::default();
        read(&pace, 0, SERVING - 1);
        assert!(!pace.is_local());
        read(&pace, 0, 2);
        assert!(pace.is_local() && !pace.is_crowded());
        // Neither as many calls as it answers change anything, nor requests that take their time.
        (0..100).for_each(|_| read(&pace, 10, 10));
        (0..100).for_each(|_| pace.note(Read { frames: 20, asked: 20, taken: 0 }));
        assert!(pace.is_local() && !pace.is_crowded());
        (0..100).for_each(|_| read(&pace, 20, 0));
        assert!(!pace.is_local() && pace.is_crowded());
        read(&pace, 0, 10 * SERVING);
        pace.forget();
        assert!(!pace.is_local());
    }
}
