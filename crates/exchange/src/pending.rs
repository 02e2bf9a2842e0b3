//! What is in flight from and to one peer: calls and acked messages alike.
//!
//! A request of peer A that was forwarded to peer B stands in two tables, each under its own peer's lock and never
//! under both at once:
//!
//! ```text
//!   A.sent:      A's id ─▶ (B, correlation id)     so that A can cancel, and is cleaned up after
//!   B.received:  correlation id ─▶ (A, A's id)     so that B's reply finds A, and B's end fails it
//! ```
//!
//! Whoever completes the entry in `received` owns the reply: it is given exactly once.

use crate::Peer;
use crate::envelope::{CorrelationId, RequestKind};
use crate::shares::{Asker, Holdings, has_share};
use ahash::AHashMap;
use frontier_protocol::EdgeId;
use slab::Slab;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::Arc;
use std::time::Instant;

/// Pending requests of one peer.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    received: Slab<Entry>,
    crowd: Option<Box<Crowd>>,
    sent: AHashMap<u64, SentTo>,
    /// Told apart from older entries of the same slot by this.
    generation: u32,
    closed: bool,
    /// Whether the exchange looks at it for deadlines.
    is_listed: bool,
}

/// Who has what of a peer.
#[derive(Debug, Default)]
struct Crowd {
    /// The requests to it, while there are so many that it matters, which is until there are no more than that.
    requests: Option<(Holdings, usize)>,
    /// Legs to it that are open for others.
    legs: Holdings,
}

#[derive(Debug)]
struct Entry {
    generation: u32,
    request: PendingRequest,
}

/// A request that waits for its reply.
#[derive(Debug)]
pub(crate) struct PendingRequest {
    pub(crate) requester: Arc<Peer>,
    /// Whose share of the target it takes.
    pub(crate) asker: Asker,
    /// The requester's id for it.
    pub(crate) id: u64,
    pub(crate) kind: RequestKind,
    pub(crate) deadline: Instant,
    /// When it was routed first.
    pub(crate) begun: Instant,
    /// The edge that a service asks; `None` for all else.
    pub(crate) edge: Option<EdgeId>,
}

/// A request of a peer: who has it, and under which id.
#[derive(Debug)]
pub(crate) struct SentTo {
    pub(crate) target: Arc<Peer>,
    pub(crate) correlation: CorrelationId,
    pub(crate) kind: RequestKind,
}

/// What was in flight when a peer's tables ended.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// Requests to the peer.
    pub(crate) received: Vec<(CorrelationId, PendingRequest)>,
    /// Requests of the peer by its own id, each with whom it went to.
    pub(crate) sent: Vec<(u64, SentTo)>,
}

/// Why a request was not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The peer is gone.
    Closed,
    /// As many as may be are in flight.
    Full,
    /// So many are in flight, and the asker has its share of them.
    Share(usize),
    /// The requester has a request under this id already.
    Duplicate,
}

impl CorrelationId {
    fn new(slot: usize, generation: u32) -> Self {
        Self((u64::from(generation) << 32) | slot as u64)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the slot is the lower half")]
    fn slot(self) -> usize {
        self.0 as u32 as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl SentTo {
    fn is(&self, target: &Peer, correlation: CorrelationId) -> bool {
        std::ptr::eq(&*self.target, target) && self.correlation == correlation
    }
}

impl Pending {
    /// Enters a request to this peer.
    pub(crate) fn insert(&mut self, request: PendingRequest, limit: usize) -> Result<CorrelationId, Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        if self.received.len() >= limit {
            return Err(Refusal::Full);
        }
        let (len, free) = (self.received.len(), limit - self.received.len());
        // Nobody can have more than there is: only then is it counted who has what.
        if !has_share(len, free) && !has_share(self.crowd_of_requests().of(request.asker), free) {
            return Err(Refusal::Share(len));
        }
        if let Some((holdings, _)) = self.crowd.as_mut().and_then(|crowd| crowd.requests.as_mut()) {
            holdings.add(request.asker, 1);
        }
        // 0 is left out: no correlation id is 0, which is the id of messages that nobody acks.
        self.generation = self.generation.wrapping_add(1).max(1);
        let generation = self.generation;
        let slot = self.received.insert(Entry { generation, request });
        Ok(CorrelationId::new(slot, generation))
    }

    /// Takes a request to this peer out, if it still waits.
    pub(crate) fn complete(&mut self, correlation: CorrelationId) -> Option<PendingRequest> {
        let entry = self.received.get(correlation.slot())?;
        if entry.generation != correlation.generation() {
            return None;
        }
        let request = self.received.remove(correlation.slot()).request;
        if let Some(crowd) = &mut self.crowd
            && let Some((holdings, until)) = &mut crowd.requests
        {
            holdings.take(request.asker, 1);
            if self.received.len() <= *until {
                crowd.requests = None;
                self.tidy();
            }
        }
        Some(request)
    }

    /// Who has what of the requests to this peer. Counted when it begins to matter, and until half of them are gone, so
    /// that one count is good for many requests.
    fn crowd_of_requests(&mut self) -> &Holdings {
        let received = &self.received;
        let (holdings, _) = self.crowd.get_or_insert_default().requests.get_or_insert_with(|| {
            let holdings = received.iter().map(|(_, entry)| entry.request.asker).collect();
            (holdings, received.len() / 2)
        });
        holdings
    }

    /// Legs to this peer that are open for others.
    pub(crate) fn legs(&mut self) -> &mut Holdings {
        &mut self.crowd.get_or_insert_default().legs
    }

    /// A leg to this peer is no longer there.
    pub(crate) fn return_leg(&mut self, asker: Asker) {
        self.legs().take(asker, 1);
        self.tidy();
    }

    fn tidy(&mut self) {
        self.crowd.take_if(|crowd| crowd.requests.is_none() && crowd.legs.total() == 0);
    }

    #[cfg(test)]
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowd.is_some()
    }

    /// Tracks a request of this peer.
    pub(crate) fn track(&mut self, id: u64, sent: SentTo, limit: usize) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        if self.sent.len() >= limit {
            return Err(Refusal::Full);
        }
        match self.sent.entry(id) {
            MapEntry::Occupied(_) => Err(Refusal::Duplicate),
            MapEntry::Vacant(vacant) => {
                vacant.insert(sent);
                Ok(())
            }
        }
    }

    /// Tracks a request of this peer no longer, if it is still the one that `target` has under this correlation
    /// id: after a cancel the peer may have used its own id anew.
    pub(crate) fn untrack(&mut self, id: u64, target: &Peer, correlation: CorrelationId) -> bool {
        let is_same = |sent: &SentTo| sent.is(target, correlation);
        self.sent.get(&id).is_some_and(is_same) && self.sent.remove(&id).is_some()
    }

    /// Notes that a request of this peer is with `target` from here on. `false` if it was not with `from` any
    /// more: nobody waits for it.
    pub(crate) fn retarget(
        &mut self,
        id: u64,
        (from, held): (&Peer, CorrelationId),
        target: &Arc<Peer>,
        correlation: CorrelationId,
    ) -> bool {
        match self.sent.get_mut(&id) {
            Some(sent) if sent.is(from, held) => {
                (sent.target, sent.correlation) = (target.clone(), correlation);
                true
            }
            _ => false,
        }
    }

    /// Tracks a request of this peer no longer, whoever has it.
    pub(crate) fn cancel(&mut self, id: u64) -> Option<SentTo> {
        self.sent.remove(&id)
    }

    /// Ends the tables: nothing can be entered any more. What was in flight.
    pub(crate) fn close(&mut self) -> InFlight {
        self.closed = true;
        if let Some(crowd) = &mut self.crowd {
            crowd.requests = None;
        }
        let received = std::mem::take(&mut self.received).into_iter();
        let received =
            received.map(|(slot, entry)| (CorrelationId::new(slot, entry.generation), entry.request));
        let sent = std::mem::take(&mut self.sent);
        InFlight { received: received.collect(), sent: sent.into_iter().collect() }
    }

    /// Takes out the requests to this peer whose deadline is over, and gives back spare memory.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(CorrelationId, PendingRequest)> {
        let overdue: Vec<CorrelationId> = self
            .received
            .iter()
            .filter(|(_, entry)| entry.request.deadline <= now)
            .map(|(slot, entry)| CorrelationId::new(slot, entry.generation))
            .collect();
        let expired = overdue.into_iter().filter_map(|it| Some((it, self.complete(it)?))).collect();
        if self.received.is_empty() && self.received.capacity() > 0 {
            self.received = Slab::new();
        }
        if self.sent.is_empty() && self.sent.capacity() > 0 {
            self.sent = AHashMap::default();
        }
        expired
    }

    /// It is to be looked at from here on. Whether it was not before.
    pub(crate) fn enlist(&mut self) -> bool {
        !std::mem::replace(&mut self.is_listed, true)
    }

    /// Whether [`expire`](Self::expire) may have something to do later. Otherwise it is to be looked at no more.
    pub(crate) fn stays_listed(&mut self) -> bool {
        self.is_listed = self.received.capacity() > 0 || self.sent.capacity() > 0;
        self.is_listed
    }

    #[cfg(test)]
    pub(crate) fn is_tracked(&self, id: u64) -> bool {
        self.sent.contains_key(&id)
    }

    pub(crate) fn sent(&self) -> usize {
        self.sent.len()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.received.len()
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.received.is_empty() || !self.sent.is_empty()
    }
}

#[cfg(test)]
mod tests;
