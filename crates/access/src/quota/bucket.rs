//! A token bucket in one atomic number.

use super::Limit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A token bucket in one atomic number, after the generic cell rate algorithm: instead of how much is left, it
/// holds when the bucket will be full again.
///
/// Times are nanoseconds since a start that its users share.
#[derive(Debug)]
pub struct Bucket {
    limit: Limit,
    capacity: u64,
    full_at: AtomicU64,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self { limit, capacity: limit.capacity(), full_at: AtomicU64::new(0) }
    }

    /// Takes `count` out at `now`.
    ///
    /// What is larger than a whole burst may pass when the bucket is full, and is paid for by a longer wait of
    /// what follows: else it could never pass.
    ///
    /// # Errors
    /// How long to wait until so much will be there, if nobody else takes it. Nothing is taken then.
    pub fn take(&self, count: u64, now: u64) -> Result<(), Duration> {
        let cost = self.limit.cost(count);
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        loop {
            let debt = full_at.saturating_sub(now);
            let room = self.capacity.saturating_sub(cost);
            if debt > room {
                return Err(Duration::from_nanos(debt - room));
            }
            let next = full_at.max(now).saturating_add(cost);
            // Nothing else is published through it, so no order is needed.
            match self.full_at.compare_exchange_weak(full_at, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(changed) => full_at = changed,
            }
        }
    }

    /// Gives back what was taken and not used.
    pub fn give_back(&self, count: u64) {
        let cost = self.limit.cost(count);
        let less = |full_at: u64| Some(full_at.saturating_sub(cost));
        let _ = self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// When it will be full.
    #[must_use]
    pub fn full_at(&self) -> u64 {
        self.full_at.load(Ordering::Relaxed)
    }
}

/// The time since `start`, as buckets count it.
pub(super) fn nanos(start: Instant, now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(start).as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Unit;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    fn things(rate: u64, burst: u64) -> Bucket {
        Bucket::new(Limit::per_second(rate, burst, Unit::Things))
    }

    #[test]
    fn a_burst_at_once_and_then_the_rate() {
        let bucket = things(10, 3);
        for _ in 0..3 {
            bucket.take(1, 0).unwrap();
        }
        assert_eq!(bucket.take(1, 0), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(1, 40 * MS), Err(Duration::from_millis(60)));
        bucket.take(1, 100 * MS).unwrap();
        assert!(bucket.take(1, 199 * MS).is_err());
        bucket.take(1, 200 * MS).unwrap();
        for _ in 0..3 {
            bucket.take(1, 9_000 * MS).unwrap();
        }
        assert!(bucket.take(1, 9_000 * MS).is_err(), "it never holds more than a burst");
    }

    #[test]
    fn what_is_larger_than_a_burst_passes_a_full_bucket_and_is_paid_for() {
        let bucket = Bucket::new(Limit::per_second(1000, 1000, Unit::Bytes));
        bucket.take(1, 0).unwrap();
        assert_eq!(bucket.take(5000, 0), Err(Duration::from_millis(1)));
        bucket.take(5000, MS).unwrap();
        assert_eq!(bucket.take(1, MS), Err(Duration::from_millis(4001)));
    }

    #[test]
    fn what_was_not_used_comes_back() {
        let bucket = things(1, 2);
        bucket.take(2, 0).unwrap();
        bucket.give_back(1);
        bucket.take(1, 0).unwrap();
        assert!(bucket.take(1, 0).is_err());
    }

    #[test]
    fn a_clock_that_lags_takes_no_more() {
        let bucket = things(10, 1);
        bucket.take(1, 1000 * MS).unwrap();
        assert_eq!(bucket.take(1, 950 * MS), Err(Duration::from_millis(150)));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let bucket = Bucket::new(Limit::per_second(1, u64::MAX, Unit::Things));
        let _ = bucket.take(u64::MAX, u64::MAX);
        let _ = bucket.take(u64::MAX, 0);
        bucket.give_back(u64::MAX);
        let _ = bucket.take(1, u64::MAX);
    }

    #[test]
    fn threads_together_take_no_more_than_there_is() {
        let bucket = things(1, 1000);
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..1000).filter(|_| bucket.take(1, 0).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1000);
    }

    proptest! {
        /// In every span of time, not only from the start on.
        #[test]
        fn never_more_than_the_rate_and_a_burst(
            rate in 1_u64..5_000_000,
            burst in 1_u64..100,
            steps in prop::collection::vec((0_u64..50 * MS, 1_u64..20), 1..200),
        ) {
            for unit in [Unit::Things, Unit::Bytes] {
                let bucket = Bucket::new(Limit::per_second(rate, burst, unit));
                let (mut now, mut passed) = (0, Vec::new());
                for &(wait, count) in &steps {
                    now += wait;
                    let count = count.min(burst);
                    if bucket.take(count, now).is_ok() {
                        passed.push((now, count));
                    }
                }
                for from in 0..passed.len() {
                    let mut sum = 0;
                    for &(at, count) in &passed[from..] {
                        sum += count;
                        let span = u128::from(at - passed[from].0);
                        let most = u128::from(rate) * span / 1_000_000_000 + u128::from(burst) + 1;
                        prop_assert!(u128::from(sum) <= most, "{sum} in {span} ns, at most {most}");
                    }
                }
            }
        }

        /// After the wait it passes, and not a nanosecond earlier.
        #[test]
        fn the_wait_is_exact(
            rate in 1_u64..5_000_000,
            burst in 1_u64..100,
            counts in prop::collection::vec(1_u64..200, 1..50),
        ) {
            let bucket = Bucket::new(Limit::per_second(rate, burst, Unit::Things));
            let mut now = 0;
            for count in counts {
                if let Err(wait) = bucket.take(count, now) {
                    let wait = u64::try_from(wait.as_nanos()).unwrap();
                    prop_assert!(wait > 0);
                    prop_assert!(bucket.take(count, now + wait - 1).is_err());
                    now += wait;
                    prop_assert!(bucket.take(count, now).is_ok());
                }
            }
        }

        /// Who keeps asking gets what the rate promises.
        #[test]
        fn what_is_promised_passes(rate in 1_u64..100_000, burst in 1_u64..100) {
            let bucket = Bucket::new(Limit::per_second(rate, burst, Unit::Things));
            let (mut now, mut passed) = (0, 0_u64);
            while passed < burst + 1000 {
                match bucket.take(1, now) {
                    Ok(()) => passed += 1,
                    Err(wait) => now += u64::try_from(wait.as_nanos()).unwrap(),
                }
            }
            let fair = u128::from(passed - burst) * 1_000_000_000 / u128::from(rate);
            prop_assert!(u128::from(now) <= fair + 1000, "{now} ns instead of {fair}");
        }
    }
}
