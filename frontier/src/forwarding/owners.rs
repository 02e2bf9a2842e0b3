//! Which gateway owns which edge, as far as it was asked for, and who waits for edges that are looked up.

use super::gateway_link::GatewayLink;
use ahash::AHashMap;
use frontier_exchange::{Peer, scatter};
use frontier_protocol::EdgeId;
use parking_lot::Mutex;
use std::sync::Arc;

/// Parts that are locked by themselves.
const SHARDS: usize = 16;

/// Owners that a part keeps since it last forgot some, and as many from before: 65,536 in all.
const GENERATION: usize = 2048;

/// Where edges are; those not asked for in a long time are forgotten. And who waits for them to be found.
///
/// `L` is what waits.
#[derive(Debug)]
pub(super) struct Owners<L> {
    shards: [Mutex<Shard<L>>; SHARDS],
}

impl<L> Default for Owners<L> {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::new(Shard::new())) }
    }
}

#[derive(Debug)]
struct Shard<L> {
    young: AHashMap<u64, Arc<GatewayLink>>,
    old: AHashMap<u64, Arc<GatewayLink>>,
    lookups: AHashMap<u64, Vec<L>>,
}

impl<L> Owners<L> {
    fn shard(&self, edge: EdgeId) -> &Mutex<Shard<L>> {
        let hash = scatter(edge.0);
        &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or(0)]
    }

    /// Where the edge is, unless somebody waits for it: who comes later must not overtake.
    pub(super) fn known(&self, edge: EdgeId) -> Option<Arc<GatewayLink>> {
        let mut shard = self.shard(edge).lock();
        if !shard.lookups.is_empty() && shard.lookups.contains_key(&edge.0) {
            return None;
        }
        shard.owner(edge)
    }

    /// Adds one who waits. If it is the first, the edge is to be looked up; with the owner that was known.
    pub(super) fn look_up(&self, edge: EdgeId, lookup: L) -> Option<Option<Arc<GatewayLink>>> {
        let mut shard = self.shard(edge).lock();
        if let Some(lookups) = shard.lookups.get_mut(&edge.0) {
            lookups.push(lookup);
            return None;
        }
        let owner = shard.owner(edge);
        shard.lookups.insert(edge.0, vec![lookup]);
        Some(owner)
    }

    /// Takes those who wait for the edge. When there are none any more the lookup is over, and `owner` is known from then
    /// on.
    pub(super) fn settle(&self, edge: EdgeId, owner: Option<&Arc<GatewayLink>>) -> Vec<L> {
        let mut shard = self.shard(edge).lock();
        let lookups = shard.lookups.get_mut(&edge.0).map(std::mem::take).unwrap_or_default();
        if lookups.is_empty() {
            shard.lookups.remove(&edge.0);
            match owner {
                Some(owner) => shard.remember(edge, owner.clone()),
                None => shard.forget(edge),
            }
        }
        lookups
    }

    /// The edge is not at `owner`.
    pub(super) fn forget(&self, edge: EdgeId, owner: &Arc<Peer>) {
        let mut shard = self.shard(edge).lock();
        if shard.owner(edge).is_some_and(|known| known.id() == owner.name()) {
            shard.forget(edge);
        }
    }
}

impl<L> Shard<L> {
    fn new() -> Self {
        let (young, old, lookups) = Default::default();
        Self { young, old, lookups }
    }

    fn owner(&mut self, edge: EdgeId) -> Option<Arc<GatewayLink>> {
        if let Some(owner) = self.young.get(&edge.0) {
            return Some(owner.clone());
        }
        let owner = self.old.remove(&edge.0)?;
        self.remember(edge, owner.clone());
        Some(owner)
    }

    fn remember(&mut self, edge: EdgeId, owner: Arc<GatewayLink>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(edge.0, owner);
    }

    fn forget(&mut self, edge: EdgeId) {
        self.young.remove(&edge.0);
        self.old.remove(&edge.0);
    }
}

#[cfg(test)]
mod tests;
