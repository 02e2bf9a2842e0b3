//! What operators see of who is here, in slices, and what they do about it.

use crate::outlet::CloseReason;
use crate::{Exchange, Peer};
use frontier_protocol::{EdgeId, Names, ServiceId};
use std::ops::RangeBounds;
use std::sync::Arc;

/// The most peers that one slice has. No lock is held for longer than it takes to collect them.
const MAX_SLICE: usize = 256;

/// The most epochs that are passed over under one lock: that touches no peer.
const MAX_PASSED_OVER: usize = 4096;

impl Exchange {
    /// The edge of this id, if it is here, even if it is about to leave.
    pub fn listed_edge(&self, id: EdgeId) -> Option<Arc<Peer>> {
        self.registry().edges.listed(id)
    }

    /// The service of this id, if it is here, even if it is about to leave.
    pub fn listed_service(&self, id: ServiceId) -> Option<Arc<Peer>> {
        self.registry().services.get(id).filter(|service| service.is_listed())
    }

    /// How many edges are here.
    pub fn edge_count(&self) -> usize {
        self.registry().edges.by_epoch().len()
    }

    /// The edges whose epochs are in `epochs`, the newest or the oldest first: at most 256 of them, and at most `count`.
    /// The last one's epoch tells where the next slice begins.
    pub fn edge_slice(
        &self,
        epochs: impl RangeBounds<u64>,
        newest_first: bool,
        count: usize,
    ) -> Vec<Arc<Peer>> {
        self.registry().edges.by_epoch().slice(epochs, newest_first, count.min(MAX_SLICE))
    }

    /// Passes over edges as [`edge_slice`](Self::edge_slice) would give them, at most 4096 and at most `count`: how many
    /// there were, and the epoch of the last one.
    pub fn pass_over_edges(
        &self,
        epochs: impl RangeBounds<u64>,
        newest_first: bool,
        count: usize,
    ) -> (usize, Option<u64>) {
        self.registry().edges.by_epoch().pass_over(epochs, newest_first, count.min(MAX_PASSED_OVER))
    }

    /// The services whose ids are greater than `after`, in their order: at most 256 of them.
    pub fn service_slice(&self, after: Option<u64>) -> Vec<Arc<Peer>> {
        self.registry().services.some(after, MAX_SLICE)
    }

    /// The methods or topics that `service` takes, in no order.
    pub fn names_of(&self, service: &Arc<Peer>, of: Names) -> Vec<Arc<str>> {
        self.registry().services.names(service, of)
    }

    /// How many methods or topics `service` takes.
    pub fn name_count(&self, service: &Arc<Peer>, of: Names) -> usize {
        self.registry().services.name_count(service, of)
    }

    /// Whether `service` takes this method or topic.
    pub fn takes(&self, service: &Arc<Peer>, of: Names, name: &str) -> bool {
        self.registry().services.takes(service, of, name)
    }

    /// Closes the connection of `peer`, which is told so. What is in flight from and to it fails as when a connection is
    /// lost; it may come again.
    pub fn kick(&self, peer: &Peer) {
        peer.outlet().close(CloseReason::Kicked);
    }
}
