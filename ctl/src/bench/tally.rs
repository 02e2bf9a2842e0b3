//! What a load has come to.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer ones count as this: a minute.
const MAX_MICROS: u64 = 60_000_000;

/// Operations that ended while it counted.
#[derive(Debug)]
pub(super) struct Tally {
    latencies: Histogram<u64>,
    /// How many failed, by what they said.
    pub(super) failed: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        // Three digits between a microsecond and a minute are within what it takes.
        let latencies = Histogram::new_with_bounds(1, MAX_MICROS, 3).expect("sound bounds");
        Self { latencies, failed: BTreeMap::new() }
    }
}

impl Tally {
    pub(super) fn note(&mut self, latency: Duration) {
        self.latencies.saturating_record(crate::timestamp::micros(latency).max(1));
    }

    pub(super) fn note_failure(&mut self, error: String) {
        *self.failed.entry(error).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        // The same bounds.
        let _ = self.latencies.add(other.latencies);
        for (error, count) in other.failed {
            *self.failed.entry(error).or_default() += count;
        }
    }

    pub(super) fn done(&self) -> u64 {
        self.latencies.len()
    }

    pub(super) fn micros(&self, quantile: f64) -> u64 {
        self.latencies.value_at_quantile(quantile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut all = Tally::default();
        for micros in [10, 20, 30, 1_000_000_000] {
            let mut one = Tally::default();
            one.note(Duration::from_micros(micros));
            one.note_failure("overloaded".into());
            all.add(one);
        }
        assert_eq!((all.done(), all.micros(0.5), all.failed["overloaded"]), (4, 20, 4));
        assert!((MAX_MICROS..MAX_MICROS * 101 / 100).contains(&all.micros(1.0)));
    }
}
