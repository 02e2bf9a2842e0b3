//! The edges by their id.

use super::by_epoch::ByEpoch;
use crate::feed::Feed;
use crate::take_over::TakeOver;
use crate::{Peer, Stage};
use ahash::{AHashMap, RandomState};
use frontier_protocol::{Code, EdgeId};
use parking_lot::RwLock;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use thiserror::Error;

/// Why an edge does not get its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClaimError {
    /// A newer connection holds it.
    #[error("a newer connection holds this id")]
    Superseded,
    /// It is held by one that may not be displaced by this one.
    #[error("{0}")]
    Protected(&'static str),
}

impl ClaimError {
    /// The code that the edge is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Superseded => Code::Superseded,
            Self::Protected(_) => Code::Denied,
        }
    }
}

/// Whose id a connection has taken over, and how.
pub(crate) type Displaced = (Arc<Peer>, TakeOver);

/// Tables by which the edges are shared out. So many that one of them is short at a million edges: nobody has to look
/// at more than one without a pause.
const SHARDS: usize = 4096;

type Shard = RwLock<AHashMap<u64, Arc<Peer>>>;

/// The edges by their id: a sharded map, read on every call to an edge.
///
/// An edge holds its id from before it is online until everyone has been told that it left, or until
/// a newer connection takes the id over.
#[derive(Debug)]
pub(crate) struct Edges {
    shards: Box<[Shard]>,
    hasher: RandomState,
    /// Those who can be reached.
    listed: ByEpoch,
    feed: Arc<Feed>,
}

impl Default for Edges {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Edges {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        let shards = std::iter::repeat_with(Shard::default).take(SHARDS).collect();
        Self { shards, hasher: RandomState::new(), listed: ByEpoch::default(), feed }
    }

    fn shard(&self, id: EdgeId) -> &Shard {
        let hash = self.hasher.hash_one(id.0);
        #[expect(clippy::cast_possible_truncation, reason = "its lowest bits are what is wanted")]
        let place = hash as usize % SHARDS;
        &self.shards[place]
    }

    /// The edge, if calls can reach it.
    pub(crate) fn online(&self, id: EdgeId) -> Option<Arc<Peer>> {
        self.shard(id).read().get(&id.0).filter(|edge| edge.is_online()).cloned()
    }

    /// The edge, if it counts as reachable: calls may no longer go to one that leaves.
    pub(crate) fn listed(&self, id: EdgeId) -> Option<Arc<Peer>> {
        self.shard(id).read().get(&id.0).filter(|edge| edge.is_listed()).cloned()
    }

    /// Those who can be reached, by when they came.
    pub(crate) fn by_epoch(&self) -> &ByEpoch {
        &self.listed
    }

    /// How many ids are held.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    pub(crate) fn is_taken(&self, id: EdgeId) -> bool {
        self.shard(id).read().contains_key(&id.0)
    }

    /// Gives the id to `edge` from here on. Nothing reaches a predecessor any more, which is returned.
    ///
    /// # Errors
    /// [`ClaimError`] with whoever holds the id: it or its client is newer, or may not be displaced.
    pub(crate) fn claim(
        &self,
        id: EdgeId,
        edge: &Arc<Peer>,
    ) -> Result<Option<Displaced>, (ClaimError, Arc<Peer>)> {
        match self.shard(id).write().entry(id.0) {
            Entry::Vacant(free) => {
                free.insert(edge.clone());
                Ok(None)
            }
            Entry::Occupied(mut held) => {
                let take_over = TakeOver::judge(edge, held.get())
                    .map_err(|why| (ClaimError::Protected(why), held.get().clone()))?;
                if !take_over.is_due(edge.claim(), held.get().claim()) {
                    return Err((ClaimError::Superseded, held.get().clone()));
                }
                let predecessor = held.insert(edge.clone());
                predecessor.advance(Stage::Gone);
                self.delist(&predecessor);
                Ok(Some((predecessor, take_over)))
            }
        }
    }

    /// Makes `edge` reachable, unless another connection has taken over its id.
    pub(crate) fn publish(&self, id: EdgeId, edge: &Arc<Peer>) -> bool {
        match self.shard(id).read().get(&id.0) {
            Some(current) if Arc::ptr_eq(current, edge) => {
                edge.advance(Stage::Online);
                if edge.is_online() {
                    self.listed.add(edge);
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
        let _held = self.shard(id).read();
        edge.advance(Stage::Gone);
        self.delist(edge);
    }

    fn delist(&self, edge: &Peer) {
        if edge.delist() {
            self.listed.remove(edge);
            self.feed.offline(edge);
        }
    }

    /// Gives the id up, unless another connection has taken it over.
    pub(crate) fn release(&self, id: EdgeId, edge: &Arc<Peer>) {
        edge.advance(Stage::Gone);
        let mut held = self.shard(id).write();
        if held.get(&id.0).is_some_and(|current| Arc::ptr_eq(current, edge)) {
            held.remove(&id.0);
            // One burst is no reason to hold its memory for ever.
            if held.capacity() > 64 && held.len() < held.capacity() / 4 {
                held.shrink_to_fit();
            }
        }
        self.delist(edge);
    }

    /// The edges of the shard of that number; `None` behind the last one.
    pub(crate) fn shard_of(&self, number: usize) -> Option<Vec<Arc<Peer>>> {
        Some(self.shards.get(number)?.read().values().cloned().collect())
    }

    /// Calls `visit` with each edge, shard by shard and not under its lock; what comes or goes meanwhile may be missed.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        (0..).map_while(|number| self.shard_of(number)).for_each(|shard| shard.iter().for_each(&mut visit));
    }
}

#[cfg(test)]
mod tests;
