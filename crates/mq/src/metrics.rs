//! What is measured of a sink.

use crate::Cause;
use frontier_metrics::{Distribution, Histogram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is measured of a sink, from its start on.
#[derive(Debug, Default)]
pub struct SinkMetrics {
    taken: AtomicU64,
    confirmed: AtomicU64,
    duplicates: AtomicU64,
    failed: [AtomicU64; Cause::ALL.len()],
    connects: AtomicU64,
    losses: AtomicU64,
    repeated: AtomicU64,
    latency: Histogram,
}

/// How a sink is, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkStatus {
    /// Since when the broker is not connected, and why; `None` if it is.
    pub away: Option<(Duration, String)>,
    /// Since when the broker is there and takes nothing, and why: an alarm.
    pub blocked: Option<(Duration, String)>,
    /// Messages that have not left yet.
    pub waiting: usize,
    /// Messages that the broker has not confirmed yet.
    pub in_flight: usize,
    /// What both count for, in bytes.
    pub bytes: usize,
}

impl SinkMetrics {
    /// Messages that were taken.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Messages that the broker has confirmed.
    pub fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Relaxed)
    }

    /// Confirmed messages that the broker had already, and has recognized.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// Messages that were not confirmed, by why: those that were not taken as well.
    pub fn failed(&self, cause: Cause) -> u64 {
        self.failed[cause.index()].load(Ordering::Relaxed)
    }

    /// Connections that were made.
    pub fn connects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed)
    }

    /// Connections that were lost.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    /// Messages that were sent once more, over another connection.
    pub fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// The time from taking a message to the broker's confirm.
    pub fn latency(&self) -> Distribution {
        self.latency.distribution()
    }

    pub(crate) fn took(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn confirm(&self, after: Duration) {
        self.confirmed.fetch_add(1, Ordering::Relaxed);
        self.latency.record(after);
    }

    #[cfg_attr(
        not(any(feature = "kafka", feature = "nats")),
        expect(dead_code, reason = "only JetStream and Kafka recognize what they have")
    )]
    pub(crate) fn duplicate(&self) {
        self.duplicates.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fail(&self, cause: Cause) {
        self.failed[cause.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connected(&self) {
        self.connects.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn repeat(&self, count: usize) {
        self.repeated.fetch_add(count as u64, Ordering::Relaxed);
    }
}
