//! What else goes on at a gateway while it is measured.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What else goes on at the gateway while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scene {
    /// Edges that are connected and do nothing.
    pub(crate) idle_edges: usize,
    /// Services that could each answer.
    pub(crate) services: usize,
    /// Services that are connected, each with a method that nobody calls.
    pub(crate) idle_services: usize,
    /// Whether the edges are at another gateway than the services.
    pub(crate) across: bool,
    /// Gateways over which the edges are spread, with the services at the first.
    pub(crate) gateways: usize,
    /// Whether the callers' connection also carries a stream whose reader stalls, and large messages.
    pub(crate) disturbed: bool,
}

impl Scene {
    /// Whether a call may go from one gateway to another.
    pub(crate) fn forwards(self) -> bool {
        self.across || self.gateways > 1
    }
}

impl Default for Scene {
    /// Nothing: one service, and the edges that do the work.
    fn default() -> Self {
        Self { idle_edges: 0, services: 1, idle_services: 0, across: false, gateways: 1, disturbed: false }
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.idle_edges > 0 {
            write!(f, ", beside {} idle edges", self.idle_edges)?;
        }
        if self.services != 1 {
            write!(f, ", answered by {} services", self.services)?;
        }
        if self.idle_services > 0 {
            write!(f, ", beside {} idle services", self.idle_services)?;
        }
        if self.across {
            write!(f, ", at another gateway")?;
        }
        if self.gateways > 1 {
            write!(f, ", spread over {} gateways", self.gateways)?;
        }
        if self.disturbed {
            write!(f, ", beside a stalled stream and messages of 4 MiB on the same connection")?;
        }
        Ok(())
    }
}
