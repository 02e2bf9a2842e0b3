//! How Redis does, in numbers: for metrics.

use crate::DirectoryError;
use frontier_metrics::{Exposition, Histogram};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What became of scripts, those that read and those that write.
#[derive(Debug, Default)]
pub(crate) struct RedisStats {
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
    pub(super) fn ran<T>(&self, writes: bool, result: &Result<T, DirectoryError>, took: Duration) {
        let of = if writes { &self.writes } else { &self.reads };
        match result {
            Ok(_) => of.took.record(took),
            Err(_) => {
                of.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn connected(&self, is_connected: bool) {
        self.is_connected.store(is_connected, Ordering::Relaxed);
        let count = if is_connected { &self.connects } else { &self.failed_connects };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The connection was of no use any more.
    pub(super) fn discarded(&self) {
        self.is_connected.store(false, Ordering::Relaxed);
    }

    pub(crate) fn write(&self, out: &mut Exposition) {
        let all = [("read", &self.reads), ("write", &self.writes)];
        let help = "Whether there is a connection to Redis.";
        out.gauge("frontlas_redis_connected", help).sample(&[], self.is_connected.load(Ordering::Relaxed));
        let help = "Attempts to connect to Redis, by whether they succeeded.";
        let mut family = out.counter("frontlas_redis_connects_total", help);
        for (result, count) in [("ok", &self.connects), ("error", &self.failed_connects)] {
            family.sample(&[("result", result)], count.load(Ordering::Relaxed));
        }
        let help = "Time that operations took at Redis that have succeeded.";
        let mut family = out.histogram("frontlas_redis_operation_duration_seconds", help);
        for (operation, of) in all {
            family.distribution(&[("operation", operation)], &of.took.distribution());
        }
        let help = "Operations at Redis that have failed.";
        let mut family = out.counter("frontlas_redis_operation_failures_total", help);
        for (operation, of) in all {
            family.sample(&[("operation", operation)], of.failed.load(Ordering::Relaxed));
        }
    }
}
