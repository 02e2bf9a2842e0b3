//! How a connection is used: by one call after the other, or by many at once.

use std::sync::atomic::{AtomicU32, Ordering};

/// So many reads in a row with one frame each make a lone caller.
const LONE: u32 = 16;

/// The weight of reads with several frames from which on there are many callers.
const CROWDED: u32 = 16;

/// What a connection's reads tell of its use.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Reads in a row with one frame.
    lone: AtomicU32,
    /// Grows with the frames of a read that has several, shrinks with each that has one.
    crowd: AtomicU32,
}

impl Pace {
    /// So many frames came in one read.
    pub(super) fn note(&self, frames: u32) {
        let (lone, crowd) = (self.lone.load(Ordering::Relaxed), self.crowd.load(Ordering::Relaxed));
        match frames {
            0 => {}
            1 => {
                self.lone.store(lone.saturating_add(1), Ordering::Relaxed);
                self.crowd.store(crowd.saturating_sub(1), Ordering::Relaxed);
            }
            _ => {
                self.lone.store(0, Ordering::Relaxed);
                self.crowd.store((crowd + frames).min(2 * CROWDED), Ordering::Relaxed);
            }
        }
    }

    /// Whether calls come one after the other. Asked again, it is only true after as many more.
    pub(super) fn is_lone(&self) -> bool {
        let is_lone = self.lone.load(Ordering::Relaxed) >= LONE;
        if is_lone {
            self.lone.store(0, Ordering::Relaxed);
        }
        is_lone
    }

    /// Whether several come at once.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowd.load(Ordering::Relaxed) >= CROWDED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_caller_is_told_from_many_and_neither_by_chance() {
        let pace = Pace::default();
        (1..LONE).for_each(|_| pace.note(1));
        pace.note(2);
        assert!(!pace.is_lone() && !pace.is_crowded());
        (0..LONE).for_each(|_| pace.note(1));
        assert!(pace.is_lone() && !pace.is_lone());
        (0..100).for_each(|_| {
            pace.note(3);
            (0..3).for_each(|_| pace.note(1));
        });
        assert!(!pace.is_crowded());
        (0..CROWDED).for_each(|_| pace.note(3));
        assert!(pace.is_crowded() && !pace.is_lone());
        (0..2 * CROWDED).for_each(|_| pace.note(1));
        assert!(!pace.is_crowded());
    }
}
