//! Calls, messages and streams, so many in flight.

use std::fmt;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Scene, share};
use frontier_config::ByteSize;

/// Operations of which each caller has one in flight at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Calls {
    pub(crate) operation: Operation,
    pub(crate) callers: usize,
    pub(crate) edges: usize,
    pub(crate) size: ByteSize,
    /// From service to edge, instead of from edge to service.
    pub(crate) reverse: bool,
    pub(crate) scene: Scene,
}

/// What a caller does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    /// A payload goes there and back.
    #[default]
    Call,
    /// A payload goes there, and word comes back that the receiver is done with it.
    Message,
    /// A stream is opened, carries one byte each way, and is closed from both ends.
    Stream,
}

impl Calls {
    pub(crate) fn new(callers: usize, edges: usize, size: ByteSize) -> Result<Self> {
        ensure!(callers > 0, "--callers must be at least 1");
        ensure!(edges > 0, "--edges must be at least 1");
        ensure!(
            edges <= callers,
            "--edges {edges} is more than --callers {callers}: some would never be used"
        );
        ensure!(
            size.as_usize() > 0 && size <= Self::MAX_SIZE,
            "--size must be between 1 B and {}",
            Self::MAX_SIZE
        );
        Ok(Self {
            operation: Operation::default(),
            callers,
            edges,
            size,
            reverse: false,
            scene: Scene::default(),
        })
    }

    /// Whether this is the one thing that every system does: calls to a service, and nothing beside them.
    pub(crate) fn is_plain(self) -> bool {
        self.operation == Operation::Call && !self.reverse && self.scene == Scene::default()
    }

    /// Spreads callers and edges over at most `parts` processes; each gets at least one edge.
    pub(crate) fn split(self, parts: usize) -> impl Iterator<Item = Self> {
        let parts = parts.min(self.edges);
        (0..parts).map(move |part| Self {
            callers: share(self.callers, parts, part),
            edges: share(self.edges, parts, part),
            ..self
        })
    }

    /// How many of the callers use edge number `edge`.
    pub(crate) fn callers_on(self, edge: usize) -> usize {
        share(self.callers, self.edges, edge)
    }

    /// More would measure the socket buffers, and is what `--bulk` is for.
    const MAX_SIZE: ByteSize = ByteSize::mib(16);
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, callers, edges, size, reverse, scene } = self;
        match operation {
            Operation::Call => write!(f, "calls of {size}")?,
            Operation::Message => write!(f, "acked messages of {size}")?,
            Operation::Stream => write!(f, "streams that carry a byte each way")?,
        }
        if *reverse {
            write!(f, " from the service")?;
        }
        write!(f, ", {callers} in flight over {edges} edges{scene}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_by_splitting() {
        let calls = Calls::new(64, 10, ByteSize::bytes(64)).unwrap();
        for parts in [1, 3, 10, 99] {
            let split: Vec<_> = calls.split(parts).collect();
            assert_eq!(split.iter().map(|c| c.callers).sum::<usize>(), 64);
            assert_eq!(split.iter().map(|c| c.edges).sum::<usize>(), 10);
            assert!(split.iter().all(|c| c.edges > 0 && c.callers >= c.edges));
        }
        assert_eq!((0..10).map(|edge| calls.callers_on(edge)).sum::<usize>(), 64);
    }
}
