//! Calls, messages and streams, so many in flight.

use std::fmt;
use std::time::Duration;

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
    /// From one operation of a caller to its next, in nanoseconds; 0: at once.
    pub(crate) interval_ns: u64,
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
            interval_ns: 0,
            scene: Scene::default(),
        })
    }

    /// As many operations a second as this, of all callers together.
    pub(crate) fn at_rate(self, rate: u32) -> Result<Self> {
        ensure!(rate > 0, "--rate must be at least 1");
        let interval_ns = u64::try_from(self.callers)?.saturating_mul(1_000_000_000) / u64::from(rate);
        Ok(Self { interval_ns: interval_ns.max(1), ..self })
    }

    /// From one operation of a caller to its next, if it has to wait for that.
    pub(crate) fn interval(self) -> Option<Duration> {
        (self.interval_ns > 0).then(|| Duration::from_nanos(self.interval_ns))
    }

    /// Whether this is the one thing that every system does: calls to a service, and nothing beside them.
    pub(crate) fn is_plain(self) -> bool {
        self.operation == Operation::Call
            && !self.reverse
            && self.interval_ns == 0
            && self.scene == Scene::default()
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

    /// What is done at gateway number `gateway` of those that the edges are spread over; each has at least one edge.
    pub(crate) fn at_gateway(self, gateway: usize) -> Self {
        let parts = self.scene.gateways;
        Self {
            callers: share(self.callers, parts, gateway),
            edges: share(self.edges, parts, gateway),
            scene: Scene { idle_edges: share(self.scene.idle_edges, parts, gateway), ..self.scene },
            ..self
        }
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
        let Self { operation, callers, edges, size, reverse, interval_ns: _, scene } = self;
        match operation {
            Operation::Call => write!(f, "calls of {size}")?,
            Operation::Message => write!(f, "acked messages of {size}")?,
            Operation::Stream => write!(f, "streams that carry a byte each way")?,
        }
        if *reverse {
            write!(f, " from the service")?;
        }
        match self.interval() {
            None => write!(f, ", {callers} in flight over {edges} edges{scene}"),
            Some(interval) => {
                let rate = *callers as f64 / interval.as_secs_f64();
                write!(f, ", {rate:.0} a second of {callers} callers over {edges} edges{scene}")
            }
        }
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
        let scene = Scene { gateways: 3, idle_edges: 100, ..Scene::default() };
        let spread: Vec<_> = (0..3).map(|gateway| Calls { scene, ..calls }.at_gateway(gateway)).collect();
        assert_eq!(spread.iter().map(|c| c.callers).sum::<usize>(), 64);
        assert_eq!(spread.iter().map(|c| c.edges).sum::<usize>(), 10);
        assert_eq!(spread.iter().map(|c| c.scene.idle_edges).sum::<usize>(), 100);
    }
}
