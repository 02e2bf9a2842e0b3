//! What operators see of who is here, in slices, and what they do about it.

use crate::outlet::CloseReason;
use crate::registry::MethodList;
use crate::{Exchange, Follower, Peer};
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

    /// How many services are here.
    pub fn service_count(&self) -> usize {
        self.registry().services.len()
    }

    /// Has `follower` told of what changes from here on, without a snapshot.
    pub fn follow_from_now(&self, follower: &Follower) {
        drop(follower.snapshot(Vec::new));
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

    /// The methods or topics that a service takes, or the methods that an edge has told of, in no order.
    pub fn names_of(&self, peer: &Arc<Peer>, of: Names) -> Vec<Arc<str>> {
        if peer.is_service() {
            return self.registry().services.names(peer, of);
        }
        self.told_by(peer, of).iter().flat_map(|list| list.iter()).map(Arc::from).collect()
    }

    /// How many there are of them.
    pub fn name_count(&self, peer: &Arc<Peer>, of: Names) -> usize {
        if peer.is_service() {
            return self.registry().services.name_count(peer, of);
        }
        self.told_by(peer, of).map_or(0, |list| list.len())
    }

    /// Whether this method or topic is one of them.
    pub fn takes(&self, peer: &Arc<Peer>, of: Names, name: &str) -> bool {
        if peer.is_service() {
            return self.registry().services.takes(peer, of, name);
        }
        self.told_by(peer, of).is_some_and(|list| list.contains(name))
    }

    fn told_by(&self, edge: &Peer, of: Names) -> Option<Arc<MethodList>> {
        match of {
            Names::Methods => self.registry().edge_methods.of(edge),
            Names::Topics => None,
        }
    }

    /// Closes the connection of `peer`, which is told so. What is in flight from and to it fails as when a connection is
    /// lost; it may come again.
    pub fn kick(&self, peer: &Peer) {
        peer.outlet().close(CloseReason::Kicked);
    }
}
