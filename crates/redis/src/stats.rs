//! How Redis does, in numbers: for metrics.

use crate::Unavailable;
use frontier_metrics::{Exposition, Histogram};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What became of what was asked, of what reads and what writes.
#[derive(Debug, Default)]
pub struct RedisStats {
    reads: Operations,
    writes: Operations,
    is_connected: AtomicBool,
    connects: AtomicU64,
    failed_connects: AtomicU64,
}

#[derive(Debug, Default)]
struct Operations {
    took: Histogram,
    failed: AtomicU64,
}

impl RedisStats {
    /// A script has run, or has failed.
    pub(crate) fn ran<T>(&self, writes: bool, result: &Result<T, Unavailable>, took: Duration) {
        let of = if writes { &self.writes } else { &self.reads };
        match result {
            Ok(_) => of.took.record(took),
            Err(_) => {
                of.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn connected(&self, is_connected: bool) {
        self.is_connected.store(is_connected, Ordering::Relaxed);
        let count = if is_connected { &self.connects } else { &self.failed_connects };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The connection was of no use any more.
    pub(crate) fn discarded(&self) {
        self.is_connected.store(false, Ordering::Relaxed);
    }

    /// Writes them, by these names.
    pub fn write(&self, out: &mut Exposition, names: &StatNames) {
        let all = [("read", &self.reads), ("write", &self.writes)];
        let help = "Whether there is a connection to Redis.";
        out.gauge(names.connected, help).sample(&[], self.is_connected.load(Ordering::Relaxed));
        let help = "Attempts to connect to Redis, by whether they succeeded.";
        let mut family = out.counter(names.connects, help);
        for (result, count) in [("ok", &self.connects), ("error", &self.failed_connects)] {
            family.sample(&[("result", result)], count.load(Ordering::Relaxed));
        }
        let help = "Time that operations took at Redis that have succeeded.";
        let mut family = out.histogram(names.durations, help);
        for (operation, of) in all {
            family.distribution(&[("operation", operation)], &of.took.distribution());
        }
        let help = "Operations at Redis that have failed.";
        let mut family = out.counter(names.failures, help);
        for (operation, of) in all {
            family.sample(&[("operation", operation)], of.failed.load(Ordering::Relaxed));
        }
    }
}

/// What the metrics are called.
#[derive(Clone, Copy, Debug)]
pub struct StatNames {
    /// Whether there is a connection.
    pub connected: &'static str,
    /// Attempts to connect.
    pub connects: &'static str,
    /// Times that operations took.
    pub durations: &'static str,
    /// Operations that have failed.
    pub failures: &'static str,
}
