//! What the systems are asked to do.

use std::fmt;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::bytesize::ByteSize;

/// What is done over and over, and how much of it at once.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Work {
    Calls(Calls),
    Bulk(Bulk),
}

/// Messages that go to the service and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Calls {
    pub(crate) callers: usize,
    pub(crate) edges: usize,
    pub(crate) size: ByteSize,
}

/// Bytes that go one way, as fast as they can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bulk {
    pub(crate) streams: usize,
    pub(crate) writes: ByteSize,
}

impl Work {
    /// The payload of one operation.
    pub(crate) fn bytes_per_operation(&self) -> usize {
        match self {
            Self::Calls(calls) => calls.size.0,
            Self::Bulk(bulk) => bulk.writes.0,
        }
    }
}

impl Calls {
    pub(crate) fn new(callers: usize, edges: usize, size: ByteSize) -> Result<Self> {
        ensure!(callers > 0, "--callers must be at least 1");
        ensure!(edges > 0, "--edges must be at least 1");
        ensure!(
            edges <= callers,
            "--edges {edges} is more than --callers {callers}: some would never be used"
        );
        ensure!(size.0 > 0 && size <= Self::LARGEST, "--size must be between 1 B and {}", Self::LARGEST);
        Ok(Self { callers, edges, size })
    }

    /// Spreads callers and edges over at most `parts` processes; each gets at least one edge.
    pub(crate) fn split(self, parts: usize) -> impl Iterator<Item = Self> {
        let parts = parts.min(self.edges);
        (0..parts).map(move |part| Self {
            callers: share(self.callers, parts, part),
            edges: share(self.edges, parts, part),
            size: self.size,
        })
    }

    /// How many of the callers use edge number `edge`.
    pub(crate) fn callers_on(self, edge: usize) -> usize {
        share(self.callers, self.edges, edge)
    }

    /// More would measure the socket buffers, and is what `--bulk` is for.
    const LARGEST: ByteSize = ByteSize(16 << 20);
}

impl Bulk {
    pub(crate) fn new(streams: usize, writes: ByteSize) -> Result<Self> {
        ensure!(streams > 0, "--callers must be at least 1");
        ensure!(
            writes.0 > 0 && writes <= Self::LARGEST,
            "--writes must be between 1 B and {}",
            Self::LARGEST
        );
        Ok(Self { streams, writes })
    }

    /// Spreads the streams over at most `parts` processes; each gets at least one.
    pub(crate) fn split(self, parts: usize) -> impl Iterator<Item = Self> {
        let parts = parts.min(self.streams);
        (0..parts).map(move |part| Self { streams: share(self.streams, parts, part), writes: self.writes })
    }

    const LARGEST: ByteSize = ByteSize(64 << 20);
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls(Calls { callers, edges, size }) => {
                write!(f, "calls of {size}, {callers} in flight over {edges} edges")
            }
            Self::Bulk(Bulk { streams, writes }) => {
                write!(f, "one-way bytes in writes of {writes}, {streams} streams")
            }
        }
    }
}

/// Part number `part` of `total` in `parts` parts that differ by at most one.
fn share(total: usize, parts: usize, part: usize) -> usize {
    total / parts + usize::from(part < total % parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_by_splitting() {
        let calls = Calls::new(64, 10, ByteSize(64)).unwrap();
        for parts in [1, 3, 10, 99] {
            let split: Vec<_> = calls.split(parts).collect();
            assert_eq!(split.iter().map(|c| c.callers).sum::<usize>(), 64);
            assert_eq!(split.iter().map(|c| c.edges).sum::<usize>(), 10);
            assert!(split.iter().all(|c| c.edges > 0 && c.callers >= c.edges));
        }
        assert_eq!((0..10).map(|edge| calls.callers_on(edge)).sum::<usize>(), 64);
    }
}
