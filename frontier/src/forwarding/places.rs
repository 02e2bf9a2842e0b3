use super::neighbour::Neighbour;
use crate::calls::{Form, Ticket};
use crate::exchange::{Failure, offline};
use crate::peer::Peer;
use ahash::AHashMap;
use frontier_protocol::EdgeId;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Parts that are locked by themselves.
const SHARDS: usize = 16;

/// Places that a part keeps since it last forgot some, and as many from before: 65,536 in all.
const GENERATION: usize = 2048;

/// Where edges are, as far as it was asked for; those not asked for in a long time are forgotten. And who waits
/// for edges that are looked for.
#[derive(Debug, Default)]
pub(super) struct Places {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    young: AHashMap<u64, Arc<Neighbour>>,
    old: AHashMap<u64, Arc<Neighbour>>,
    sought: AHashMap<u64, Vec<Seeker>>,
}

/// What is to be done when an edge is found.
#[derive(Debug)]
pub(crate) enum Seeker {
    /// A question that waits in the lobby.
    Question(Box<Parked>),
    /// Somebody who waits by himself.
    Waiter { reply: oneshot::Sender<Result<Found, Failure>>, _room: OwnedSemaphorePermit },
}

/// A call or a message whose edge is looked for.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) asker: Arc<Peer>,
    /// What it has in the lobby; `None` if nobody waits for its answer.
    pub(crate) ticket: Option<Ticket>,
    /// The asker's id for it.
    pub(crate) id: u64,
    pub(crate) form: Form,
    pub(crate) name: Box<str>,
    pub(crate) custom: Box<[u8]>,
    pub(crate) payload: Box<[u8]>,
    pub(crate) deadline: Instant,
    /// The gateway that gave it back.
    pub(crate) returned_by: Option<Arc<Peer>>,
    pub(crate) _room: OwnedSemaphorePermit,
}

/// Where an edge was found.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// At this gateway, or so it is said.
    Here,
    /// At another one, to which this is the link.
    At(Arc<Peer>),
}

impl Found {
    /// Fails if the edge was found where it was found not to be.
    pub(crate) fn unless(self, avoid: Option<&Arc<Peer>>, edge: EdgeId) -> Result<Self, Failure> {
        match (&self, avoid) {
            (Self::At(holder), Some(avoid)) if Arc::ptr_eq(holder, avoid) => Err(offline(edge)),
            _ => Ok(self),
        }
    }
}

impl Places {
    fn shard(&self, edge: EdgeId) -> &Mutex<Shard> {
        let hash = crate::exchange::balance::scatter(edge.0);
        &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or(0)]
    }

    /// Where the edge is, unless somebody waits for it: who comes later must not overtake.
    pub(super) fn known(&self, edge: EdgeId) -> Option<Arc<Neighbour>> {
        let mut shard = self.shard(edge).lock();
        if !shard.sought.is_empty() && shard.sought.contains_key(&edge.0) {
            return None;
        }
        shard.place(edge)
    }

    /// Adds a seeker. If it is the first, the edge is to be looked for; with the place that was known.
    pub(super) fn seek(&self, edge: EdgeId, seeker: Seeker) -> Option<Option<Arc<Neighbour>>> {
        let mut shard = self.shard(edge).lock();
        if let Some(seekers) = shard.sought.get_mut(&edge.0) {
            seekers.push(seeker);
            return None;
        }
        let place = shard.place(edge);
        shard.sought.insert(edge.0, vec![seeker]);
        Some(place)
    }

    /// Takes those who wait for the edge. When there are none any more the search is over, and `place` is known
    /// from then on.
    pub(super) fn settle(&self, edge: EdgeId, place: Option<&Arc<Neighbour>>) -> Vec<Seeker> {
        let mut shard = self.shard(edge).lock();
        let seekers = shard.sought.get_mut(&edge.0).map(std::mem::take).unwrap_or_default();
        if seekers.is_empty() {
            shard.sought.remove(&edge.0);
            match place {
                Some(place) => shard.remember(edge, place.clone()),
                None => shard.forget(edge),
            }
        }
        seekers
    }

    /// The edge is not at `holder`.
    pub(super) fn forget(&self, edge: EdgeId, holder: &Arc<Peer>) {
        let mut shard = self.shard(edge).lock();
        if shard.place(edge).is_some_and(|place| place.id() == holder.name()) {
            shard.forget(edge);
        }
    }
}

impl Shard {
    fn place(&mut self, edge: EdgeId) -> Option<Arc<Neighbour>> {
        if let Some(place) = self.young.get(&edge.0) {
            return Some(place.clone());
        }
        let place = self.old.remove(&edge.0)?;
        self.remember(edge, place.clone());
        Some(place)
    }

    fn remember(&mut self, edge: EdgeId, place: Arc<Neighbour>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(edge.0, place);
    }

    fn forget(&mut self, edge: EdgeId) {
        self.young.remove(&edge.0);
        self.old.remove(&edge.0);
    }
}

#[cfg(test)]
mod tests;
