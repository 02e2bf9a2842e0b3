//! How long things take, in buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds, in nanoseconds, each with its label. Steps of 1, 2 and 5: a quantile that is read from them is off by
/// a factor of two at most. Labels are as OpenMetrics wants numbers written, so that both formats give the same series.
pub(crate) const BOUNDS: [(u64, &str); BUCKETS - 1] = [
    (20_000, "2e-05"),
    (50_000, "5e-05"),
    (100_000, "0.0001"),
    (200_000, "0.0002"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_000_000, "0.002"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (20_000_000, "0.02"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (200_000_000, "0.2"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1.0"),
    (2_000_000_000, "2.0"),
    (5_000_000_000, "5.0"),
    (10_000_000_000, "10.0"),
    (30_000_000_000, "30.0"),
];

/// How many buckets there are, the one without a bound included.
pub const BUCKETS: usize = 20;

/// The bucket of a duration, by its number.
#[must_use]
pub fn bucket(took: Duration) -> usize {
    let nanos = nanos(took);
    BOUNDS.partition_point(|(bound, _)| *bound < nanos)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Durations, counted by buckets. Threads may count at once; a reader may see some of what they have counted.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    /// Nanoseconds; enough for 584 years of waiting.
    sum: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub fn record(&self, took: Duration) {
        self.add(bucket(took), 1, took);
    }

    /// Counts so many that fall into one bucket, which took so long together.
    pub fn add(&self, bucket: usize, count: u64, together: Duration) {
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(count, Ordering::Relaxed);
            self.sum.fetch_add(nanos(together), Ordering::Relaxed);
        }
    }

    /// What was counted until now.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        Distribution {
            buckets: std::array::from_fn(|number| self.buckets[number].load(Ordering::Relaxed)),
            sum: Duration::from_nanos(self.sum.load(Ordering::Relaxed)),
        }
    }
}

/// What a [`Histogram`] has counted by some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many fell into each bucket, and into no lower one.
    pub buckets: [u64; BUCKETS],
    /// How long all of them took together.
    pub sum: Duration,
}

impl Distribution {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// What has come since an earlier look at the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            buckets: std::array::from_fn(|number| {
                self.buckets[number].saturating_sub(earlier.buckets[number])
            }),
            sum: self.sum.saturating_sub(earlier.sum),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            buckets: std::array::from_fn(|number| self.buckets[number].saturating_add(other.buckets[number])),
            sum: self.sum.saturating_add(other.sum),
        }
    }

    /// What a share of them, from 0 to 1, has not exceeded: as if those of a bucket were spread evenly over it, as
    /// Prometheus has it. What lies above the last bound is told as that. `None` if there were none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.count();
        if all == 0 {
            return None;
        }
        let wanted = share.clamp(0.0, 1.0) * all as f64;
        let (mut low, mut below) = (0, 0);
        for (count, (bound, _)) in self.buckets.iter().zip(BOUNDS) {
            let up_to = below + count;
            if *count > 0 && up_to as f64 >= wanted {
                let inside = (wanted - below as f64) / *count as f64;
                return Some(Duration::from_nanos(low) + Duration::from_nanos(bound - low).mul_f64(inside));
            }
            (low, below) = (bound, up_to);
        }
        Some(Duration::from_nanos(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        assert_eq!(bucket(Duration::ZERO), 0);
        for (number, (bound, label)) in BOUNDS.iter().enumerate() {
            let bound = Duration::from_nanos(*bound);
            assert_eq!(bucket(bound), number);
            assert_eq!(bucket(bound + Duration::from_nanos(1)), number + 1);
            assert_eq!(label.parse::<f64>().unwrap(), bound.as_secs_f64());
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn what_is_added_together_counts_as_if_it_were_one_by_one() {
        let (one, many) = (Histogram::default(), Histogram::default());
        let took = Duration::from_micros(30);
        (0..3).for_each(|_| one.record(took));
        many.add(bucket(took), 3, took * 3);
        assert_eq!(one.distribution(), many.distribution());
        assert_eq!(one.distribution().count(), 3);
        assert_eq!(one.distribution().sum, Duration::from_micros(90));
    }

    #[test]
    fn a_quantile_lies_in_its_bucket_and_is_none_of_nothing() {
        let histogram = Histogram::default();
        assert_eq!(histogram.distribution().quantile(0.5), None);
        let before = histogram.distribution();
        histogram.add(bucket(Duration::from_micros(30)), 98, Duration::from_micros(98 * 30));
        histogram.record(Duration::from_millis(7));
        histogram.record(Duration::from_secs(60));
        let now = histogram.distribution().since(&before);
        let micros = |share| now.quantile(share).unwrap().as_micros();
        assert!((20..=50).contains(&micros(0.5)), "{}", micros(0.5));
        assert!((5_000..=10_000).contains(&micros(0.99)), "{}", micros(0.99));
        assert_eq!(micros(1.0), 30_000_000, "more than the last bound is not told");
        assert_eq!(micros(0.0), 20);
        assert_eq!(now.since(&now).quantile(0.5), None);
        assert_eq!(now.and(&now).count(), 200);
        assert_eq!(now.and(&now).quantile(0.5), now.quantile(0.5));
    }
}
