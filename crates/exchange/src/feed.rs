//! Who came and went, for any number of followers.
//!
//! ```text
//!   registry ── notes, in passing ──▶ Feed ─┬▶ Follower: one entry per id, bounded
//!                                          └▶ Follower: …
//! ```
//!
//! The registry is the truth. A follower takes a snapshot of it and then what has changed since, at its own pace.
//! Changes of one id are merged: what came and went again before it was taken is not told at all. A follower that
//! is too slow is told that it has missed something, and takes a snapshot again; it slows down nobody.

use crate::take_over::reported_claim;
use crate::{Identity, Peer};
use arc_swap::ArcSwap;
use frontier_protocol::Claim;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Notify;

/// Edges and services of which a follower may have changes to take; with more it has missed something.
const MAX_CHANGED: usize = 65_536;

/// Ended connections of one id that a follower may have to take; with more it has missed something.
const MAX_ENDED: usize = 8;

/// An edge or a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The edge of this id.
    Edge(u64),
    /// The service of this id.
    Service(u64),
}

/// A connection that can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Whose it is.
    pub key: Key,
    /// Which of the connections of that id.
    pub epoch: u64,
    /// Where it comes from, if it has an address.
    pub addr: Option<SocketAddr>,
    /// A service's name; empty for an edge.
    pub name: Box<str>,
    /// With what it claims its id.
    pub claim: Claim,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It can be reached.
    Online(Connection),
    /// It no longer can.
    Offline {
        /// Whose connection it was.
        key: Key,
        /// Which of them.
        epoch: u64,
    },
}

/// More has changed than is kept, or no snapshot was taken yet: take one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed;

/// Where the registry notes what has changed.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    followers: ArcSwap<Vec<Arc<Log>>>,
}

/// One that follows. It gets what has changed since its last [`Exchange::snapshot`](crate::Exchange::snapshot) until
/// it is dropped.
#[derive(Debug)]
pub struct Follower {
    feed: Arc<Feed>,
    log: Arc<Log>,
}

/// What one follower has still to take.
#[derive(Debug, Default)]
struct Log {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing is kept while this is not set: a snapshot is due anyway.
    is_followed: bool,
    /// A snapshot is being taken: what comes now may be in it or not.
    in_snapshot: bool,
    changes: HashMap<Key, Changed, ahash::RandomState>,
    order: VecDeque<Key>,
}

/// What has changed of one id.
#[derive(Debug, Default)]
struct Changed {
    /// Connections that have ended, and which the follower knows of, or may know of.
    ended: SmallVec<[u64; 1]>,
    began: Option<Began>,
}

#[derive(Debug)]
struct Began {
    connection: Connection,
    /// It may be in the snapshot, so its end must be told.
    may_be_known: bool,
}

impl Connection {
    pub(crate) fn of(peer: &Peer) -> Self {
        let name = peer.name().into();
        Self {
            key: Key::of(peer),
            epoch: peer.epoch().0,
            addr: peer.addr(),
            name,
            claim: reported_claim(peer),
        }
    }
}

impl Key {
    fn of(peer: &Peer) -> Self {
        match peer.identity() {
            Identity::Edge { id, .. } => Self::Edge(id.0),
            // Only edges and services are in a table that is followed.
            _ => Self::Service(peer.number()),
        }
    }
}

impl Feed {
    /// One more follower, which has to take a snapshot first.
    pub(crate) fn follow(self: &Arc<Self>) -> Follower {
        let log = Arc::<Log>::default();
        self.followers.rcu(|all| all.iter().chain([&log]).cloned().collect::<Vec<_>>());
        Follower { feed: self.clone(), log }
    }

    /// Notes that `peer` can be reached. Called after the registry knows.
    pub(crate) fn online(&self, peer: &Peer) {
        for log in &**self.followers.load() {
            log.online(peer);
        }
    }

    /// Notes that `peer` no longer can. Called after the registry knows.
    pub(crate) fn offline(&self, peer: &Peer) {
        for log in &**self.followers.load() {
            log.offline(peer);
        }
    }
}

impl Follower {
    /// What `list` lists. What changes from here on is kept to be taken.
    pub(crate) fn snapshot(&self, list: impl FnOnce() -> Vec<Connection>) -> Vec<Connection> {
        self.log.begin_snapshot();
        let all = list();
        self.log.end_snapshot();
        all
    }

    /// The changes of `count` ids at most, which count as told from here on.
    ///
    /// # Errors
    /// [`Missed`] if a snapshot is due.
    pub fn take(&self, count: usize) -> Result<Vec<Change>, Missed> {
        self.log.take(count)
    }

    /// Waits until there may be something to take, or a snapshot is due.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn changed(&self) {
        self.log.changed().await;
    }

    /// Nothing is kept from here on, until the next snapshot.
    pub fn pause(&self) {
        self.log.state.lock().forget();
        // Whoever waits for a change has a snapshot to take now.
        self.log.changed.notify_one();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let others = |all: &Arc<Vec<Arc<Log>>>| {
            all.iter().filter(|log| !Arc::ptr_eq(log, &self.log)).cloned().collect::<Vec<_>>()
        };
        self.feed.followers.rcu(others);
    }
}

impl Log {
    fn online(&self, peer: &Peer) {
        self.note(Key::of(peer), |may_be_known, changed| {
            changed.began = Some(Began { connection: Connection::of(peer), may_be_known });
        });
    }

    fn offline(&self, peer: &Peer) {
        let epoch = peer.epoch().0;
        self.note(Key::of(peer), |_, changed| {
            let began = changed.began.take_if(|began| began.connection.epoch == epoch);
            if began.is_none_or(|began| began.may_be_known) {
                changed.ended.push(epoch);
            }
        });
    }

    fn note(&self, key: Key, note: impl FnOnce(bool, &mut Changed)) {
        let mut state = self.state.lock();
        if !state.is_followed {
            return;
        }
        let (in_snapshot, len) = (state.in_snapshot, state.changes.len());
        let State { changes, order, .. } = &mut *state;
        let entry = changes.entry(key);
        let is_new = matches!(entry, Entry::Vacant(_));
        let of_id = entry.or_default();
        note(in_snapshot, of_id);
        if of_id.ended.len() > MAX_ENDED || (is_new && len >= MAX_CHANGED) {
            state.forget();
        } else if is_new {
            order.push_back(key);
        }
        drop(state);
        self.changed.notify_one();
    }

    fn begin_snapshot(&self) {
        let mut state = self.state.lock();
        state.forget();
        (state.is_followed, state.in_snapshot) = (true, true);
    }

    fn end_snapshot(&self) {
        let mut state = self.state.lock();
        state.in_snapshot = false;
        for changed in state.changes.values_mut() {
            if let Some(began) = &mut changed.began {
                began.may_be_known = true;
            }
        }
    }

    fn take(&self, count: usize) -> Result<Vec<Change>, Missed> {
        let mut state = self.state.lock();
        if !state.is_followed {
            return Err(Missed);
        }
        let mut taken = Vec::new();
        for _ in 0..count {
            let Some(key) = state.order.pop_front() else { break };
            let Some(Changed { ended, began }) = state.changes.remove(&key) else { continue };
            taken.extend(ended.into_iter().map(|epoch| Change::Offline { key, epoch }));
            taken.extend(began.map(|began| Change::Online(began.connection)));
        }
        if state.order.is_empty() {
            // One burst is no reason to hold its memory for ever.
            state.order.shrink_to(1024);
            state.changes.shrink_to(1024);
        }
        Ok(taken)
    }

    async fn changed(&self) {
        loop {
            {
                let state = self.state.lock();
                if !state.is_followed || !state.order.is_empty() {
                    return;
                }
            }
            self.changed.notified().await;
        }
    }
}

impl State {
    fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests;
