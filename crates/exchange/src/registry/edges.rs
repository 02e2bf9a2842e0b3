//! The edges by their id.

use crate::feed::Feed;
use crate::{Peer, Stage};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use frontier_protocol::EdgeId;
use std::sync::Arc;
use thiserror::Error;

/// A newer connection holds the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a newer connection holds this id")]
pub struct Superseded;

/// The edges by their id: a sharded map, read on every call to an edge.
///
/// An edge holds its id from before it is online until everyone has been told that it left, or until
/// a newer connection takes the id over.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    by_id: DashMap<u64, Arc<Peer>, ahash::RandomState>,
    feed: Arc<Feed>,
}

impl Edges {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        Self { by_id: DashMap::default(), feed }
    }

    /// The edge, if calls can reach it.
    pub(crate) fn online(&self, id: EdgeId) -> Option<Arc<Peer>> {
        self.by_id.get(&id.0).filter(|edge| edge.is_online()).map(|edge| edge.clone())
    }

    pub(crate) fn is_taken(&self, id: EdgeId) -> bool {
        self.by_id.contains_key(&id.0)
    }

    /// Gives the id to `edge` from here on. Nothing reaches a predecessor any more, which is returned.
    ///
    /// # Errors
    /// [`Superseded`] if the id is held by a connection that is newer than `edge`, or whose client is.
    pub(crate) fn claim(&self, id: EdgeId, edge: &Arc<Peer>) -> Result<Option<Arc<Peer>>, Superseded> {
        match self.by_id.entry(id.0) {
            Entry::Vacant(free) => {
                free.insert(edge.clone());
                Ok(None)
            }
            Entry::Occupied(held) if !edge.claim().displaces(held.get().claim()) => Err(Superseded),
            Entry::Occupied(mut held) => {
                let predecessor = held.insert(edge.clone());
                predecessor.advance(Stage::Gone);
                self.delist(&predecessor);
                Ok(Some(predecessor))
            }
        }
    }

    /// Makes `edge` reachable, unless another connection has taken over its id.
    pub(crate) fn publish(&self, id: EdgeId, edge: &Arc<Peer>) -> bool {
        match self.by_id.get(&id.0) {
            Some(current) if Arc::ptr_eq(&current, edge) => {
                edge.advance(Stage::Online);
                if edge.is_online() {
                    edge.list();
                    self.feed.online(edge);
                }
                edge.is_online()
            }
            _ => false,
        }
    }

    /// Nothing reaches `edge` any more, though it holds its id until it is released.
    pub(crate) fn withdraw(&self, id: EdgeId, edge: &Arc<Peer>) {
        // Keeps a successor from being told of before this.
        let _held = self.by_id.get(&id.0);
        edge.advance(Stage::Gone);
        self.delist(edge);
    }

    fn delist(&self, edge: &Peer) {
        if edge.delist() {
            self.feed.offline(edge);
        }
    }

    /// Gives the id up, unless another connection has taken it over.
    pub(crate) fn release(&self, id: EdgeId, edge: &Arc<Peer>) {
        edge.advance(Stage::Gone);
        if let Entry::Occupied(current) = self.by_id.entry(id.0)
            && Arc::ptr_eq(current.get(), edge)
        {
            current.remove();
        }
        self.delist(edge);
    }

    /// Calls `visit` with each edge, shard by shard; what comes or goes meanwhile may be missed.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        self.by_id.iter().for_each(|edge| visit(&edge));
    }
}

#[cfg(test)]
mod tests;
