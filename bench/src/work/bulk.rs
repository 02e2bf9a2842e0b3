//! Bytes that go one way.

use std::fmt;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::share;
use frontier_config::ByteSize;

/// Bytes that go one way, as fast as they can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bulk {
    pub(crate) streams: usize,
    pub(crate) writes: ByteSize,
}

impl Bulk {
    pub(crate) fn new(streams: usize, writes: ByteSize) -> Result<Self> {
        ensure!(streams > 0, "there must be at least one stream");
        ensure!(
            writes.as_usize() > 0 && writes <= Self::MAX_WRITE,
            "--writes must be between 1 B and {}",
            Self::MAX_WRITE
        );
        Ok(Self { streams, writes })
    }

    /// Spreads the streams over at most `parts` processes; each gets at least one.
    pub(crate) fn split(self, parts: usize) -> impl Iterator<Item = Self> {
        let parts = parts.min(self.streams);
        (0..parts).map(move |part| Self { streams: share(self.streams, parts, part), writes: self.writes })
    }

    const MAX_WRITE: ByteSize = ByteSize::mib(64);
}

impl fmt::Display for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one-way bytes in writes of {}, {} streams", self.writes, self.streams)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_gets_a_stream() {
        let bulk = Bulk::new(5, ByteSize::bytes(1)).unwrap();
        for parts in [1, 2, 5, 9] {
            let split: Vec<_> = bulk.split(parts).collect();
            assert_eq!(split.iter().map(|b| b.streams).sum::<usize>(), 5);
            assert!(split.iter().all(|b| b.streams > 0));
        }
    }
}
