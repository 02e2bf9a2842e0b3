//! The gateway as one of many: it tells frontlas who is connected.
//!
//! ```text
//!   registry ─▶ feed ─▶ Follower ─▶ Member: one task ── Report ──▶ frontlas
//!                        (bounded, one entry per id)  ◀─ ReportAck ─
//! ```
//!
//! Frontlas tells of the other gateways: where edges and services may go when this one drains, and how many
//! edges it should give away meanwhile (`rebalance`).
//!
//! Nothing here is in the way of edges and services: the registry notes changes in passing, and whether
//! frontlas is slow, stalled or away only decides when they are told. What can't be kept any more, and
//! what was not answered when a connection was lost, is made up for by a snapshot of the registry.

mod advertise;
mod clock;
mod connection;
mod frontlas_state;
mod handshake;
mod known_gateways;
mod locate;
mod member;
mod neighbours;
pub(crate) mod rebalance;
mod reporter;
mod round;

pub use advertise::AdvertiseError;
pub use locate::{LocateError, Location, Locator};

#[cfg(test)]
pub(crate) use locate::LookupQueue;

pub(crate) use advertise::{Advertised, Bound, unreachable};
pub(crate) use frontlas_state::FrontlasState;
pub(crate) use known_gateways::{Assignment, KnownGateways};
pub(crate) use member::Member;
pub(crate) use neighbours::{Listed, Neighbours};

use frontier_exchange::Latch;

/// What the parts of a gateway know of its cluster, whichever of them has learnt it.
#[derive(Debug, Default)]
pub(crate) struct ClusterState {
    /// The other gateways.
    pub(crate) gateways: KnownGateways,
    /// All of them, and where they are reached from here.
    pub(crate) neighbours: Neighbours,
    /// How it stands with frontlas.
    pub(crate) frontlas: FrontlasState,
    /// Set when this gateway begins to drain.
    pub(crate) draining: Latch,
}
