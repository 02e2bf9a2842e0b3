//! What a client counted.

use std::time::Duration;

use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Operations of one window, and how long each took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Operations that failed; they are in no other figure.
    pub(crate) errors: u64,
    /// What the first of them said.
    pub(crate) first_error: Option<String>,
    /// Large messages that ended in the window, beside the operations.
    pub(crate) large_messages: u64,
    /// How long the window was open, by the client's clock.
    pub(crate) window: Duration,
    /// How long hosts were computing meanwhile, all together.
    pub(crate) busy: Duration,
    #[serde(with = "pairs")]
    pub(crate) latencies: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            errors: 0,
            first_error: None,
            large_messages: 0,
            window: Duration::ZERO,
            busy: Duration::ZERO,
            latencies: latencies()?,
        })
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        self.record_all(latency, 1);
    }

    /// The same for several that took equally long.
    pub(crate) fn record_all(&mut self, latency: Duration, count: u64) {
        self.latencies.saturating_record_n(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX), count);
    }

    pub(crate) fn fail(&mut self, error: &anyhow::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| format!("{error:#}"));
    }

    pub(crate) fn operations(&self) -> u64 {
        self.latencies.len()
    }

    /// Adds what another client counted at the same time.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.errors += other.errors;
        self.first_error = self.first_error.or(other.first_error);
        self.window = self.window.max(other.window);
        // Both have the same bounds, and neither grows.
        self.large_messages += other.large_messages;
        self.busy += other.busy;
        self.latencies += other.latencies;
        self
    }
}

/// 1 ns to 100 s, to 3 digits: about 250 KB, of which one client has one.
fn latencies() -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, 100_000_000_000, 3).map_err(|error| anyhow!("making a histogram: {error}"))
}

/// A histogram as a list of (value, count).
mod pairs {
    use hdrhistogram::Histogram;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        histogram: &Histogram<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(histogram.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Histogram<u64>, D::Error> {
        let mut histogram = super::latencies().map_err(Error::custom)?;
        for (value, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            histogram.saturating_record_n(value, count);
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_every_count_and_quantile() {
        let mut tally = Tally::new().unwrap();
        for i in 0..10_000_u64 {
            tally.record(Duration::from_nanos(i * i));
        }
        tally.fail(&anyhow!("no luck"));
        let json = serde_json::to_string(&tally).unwrap();
        let back: Tally = serde_json::from_str(&json).unwrap();
        assert_eq!(back.operations(), 10_000);
        assert_eq!(back.first_error.as_deref(), Some("no luck"));
        for quantile in [0.5, 0.99, 0.999, 1.0] {
            assert_eq!(
                back.latencies.value_at_quantile(quantile),
                tally.latencies.value_at_quantile(quantile)
            );
        }
    }

    #[test]
    fn merging_adds_up() {
        let mut a = Tally::new().unwrap();
        a.record(Duration::from_micros(1));
        let mut b = Tally::new().unwrap();
        b.record(Duration::from_secs(1));
        b.fail(&anyhow!("late"));
        let both = a.merge(b);
        assert_eq!((both.operations(), both.errors), (2, 1));
        assert!(both.latencies.max() >= 1_000_000_000);
    }
}
