//! What is measured of a spool.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a spool counts, from its start on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolCount {
    /// Messages that were written, and acked by that.
    Spooled,
    /// Messages of it that the broker has confirmed.
    Drained,
    /// Messages that went because it was full.
    Dropped,
    /// Messages that were refused because it was full, or could not be written.
    Refused,
    /// Messages that the broker refused, and that went to the dead letters.
    DeadLettered,
    /// Messages that could not be read again, and stretches of files that the start has found damaged: one message each, or
    /// more.
    Damaged,
}

impl SpoolCount {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Spooled, Self::Drained, Self::Dropped, Self::Refused, Self::DeadLettered, Self::Damaged];
}

/// Its counters.
#[derive(Debug, Default)]
pub(crate) struct SpoolCounters([AtomicU64; SpoolCount::ALL.len()]);

impl SpoolCounters {
    pub(crate) fn add(&self, count: SpoolCount, more: u64) {
        self.0[count as usize].fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, count: SpoolCount) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
    }
}

/// How a spool is, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolStatus {
    /// Messages that it holds.
    pub messages: usize,
    /// What its files have, in bytes.
    pub bytes: u64,
    /// How long the oldest message has been there.
    pub oldest: Option<Duration>,
    /// Why dead letters can't be written, which are kept then.
    pub stuck: Option<String>,
    /// Why the last messages could not be written.
    pub failing: Option<String>,
}

/// Says how often something is logged: once in ten seconds, and how many times it was not.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    last: Option<std::time::Instant>,
    left_out: u64,
}

impl Seldom {
    /// Whether it has been said.
    #[cfg(test)]
    pub(crate) fn happened(&self) -> bool {
        self.last.is_some()
    }

    /// `count` of them happened. How many there were since the last line, if there may be one.
    pub(crate) fn admit(&mut self, count: u64) -> Option<u64> {
        self.left_out += count;
        if self.last.is_some_and(|last| last.elapsed() < Duration::from_secs(10)) {
            return None;
        }
        self.last = Some(std::time::Instant::now());
        Some(std::mem::take(&mut self.left_out))
    }
}
