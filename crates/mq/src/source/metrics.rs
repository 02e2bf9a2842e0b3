//! What is measured of a source.

use frontier_metrics::{Distribution, Histogram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is measured of a source, from its start on.
#[derive(Debug, Default)]
pub struct SourceMetrics {
    counts: [AtomicU64; SourceCount::ALL.len()],
    latency: Histogram,
}

/// What is counted of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceCount {
    /// Messages that came from the broker.
    Received,
    /// Those of them that the broker had given out before.
    Redelivered,
    /// Messages that their receiver has acked, and of which the broker was told.
    Delivered,
    /// Attempts for which no receiver was there.
    Absent,
    /// Attempts that a receiver failed, or did not answer, and that are tried again.
    Failed,
    /// Messages that went to the dead-letter file, or were refused at the broker.
    DeadLettered,
    /// Messages that were dropped, since there is no place for dead letters.
    Dropped,
    /// Messages that the broker does not have any more, though they were not acked.
    Gone,
    /// Connections that were made.
    Connects,
    /// Connections that were lost.
    Losses,
}

impl SourceCount {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Received,
        Self::Redelivered,
        Self::Delivered,
        Self::Absent,
        Self::Failed,
        Self::DeadLettered,
        Self::Dropped,
        Self::Gone,
        Self::Connects,
        Self::Losses,
    ];
}

/// How a source is, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// Since when the broker is not connected, and why; `None` if it is.
    pub away: Option<(Duration, String)>,
    /// Why dead letters can't be written; `None` if they can.
    pub dead_letters_wait: Option<String>,
    /// Messages that it holds.
    pub held: usize,
    /// What they count for, in bytes.
    pub bytes: usize,
    /// Those of them that wait: for their receivers, for another attempt, or behind another one of their key.
    pub waiting: usize,
    /// What the broker says is to be read yet, where it says so.
    pub backlog: Option<u64>,
}

impl SourceMetrics {
    /// How often.
    pub fn count(&self, of: SourceCount) -> u64 {
        self.counts[of as usize].load(Ordering::Relaxed)
    }

    /// The time from reading a message to its receiver's ack.
    pub fn latency(&self) -> Distribution {
        self.latency.distribution()
    }

    pub(crate) fn add(&self, of: SourceCount, count: usize) {
        self.counts[of as usize].fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, after: Duration) {
        self.add(SourceCount::Delivered, 1);
        self.latency.record(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_has_its_place() {
        let metrics = SourceMetrics::default();
        for (index, count) in SourceCount::ALL.into_iter().enumerate() {
            metrics.add(count, index + 1);
        }
        for (index, count) in SourceCount::ALL.into_iter().enumerate() {
            assert_eq!(metrics.count(count), index as u64 + 1, "{count:?}");
        }
    }
}
