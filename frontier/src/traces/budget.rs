//! How many spans are recorded in a second: any peer may say that its traces are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Lets through so many in each second.
#[derive(Debug)]
pub(super) struct Budget {
    per_second: u32,
    start: Instant,
    /// The second since the start, and how many it has had.
    used: AtomicU64,
}

impl Budget {
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second, start: Instant::now(), used: AtomicU64::new(0) }
    }

    pub(super) fn admit(&self) -> bool {
        self.admit_at(self.start.elapsed().as_secs())
    }

    fn admit_at(&self, second: u64) -> bool {
        let second = second << 32;
        let next = |used: u64| {
            let now = if used & !0xffff_ffff == second { used } else { second };
            (now & 0xffff_ffff < u64::from(self.per_second)).then_some(now + 1)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_own() {
        let budget = Budget::new(2);
        let admitted: Vec<_> =
            [0, 0, 0, 1, 1, 1, 7].into_iter().map(|second| budget.admit_at(second)).collect();
        assert_eq!(admitted, [true, true, false, true, true, false, true]);
        assert!(!Budget::new(0).admit());
    }
}
