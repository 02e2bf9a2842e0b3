use crate::peer::{Identity, Peer};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use tokio::sync::Notify;

/// Edges and services that may have something untold; with more of them a snapshot is needed.
const LIMIT: usize = 65_536;

/// Ended connections of one id that may be untold; with more of them a snapshot is needed.
const ENDED: usize = 8;

/// An edge or a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Edge(u64),
    Service(u64),
}

/// A connection that can be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) key: Key,
    /// Which of the connections of that id.
    pub(crate) epoch: u64,
    pub(crate) addr: SocketAddr,
    /// A service's name; empty for an edge.
    pub(crate) name: Box<str>,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Online(Connection),
    Offline { key: Key, epoch: u64 },
}

/// Too much was untold, or nothing is kept: take a snapshot of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// Who came and went since it was last told, for one follower. Whoever is told of is noted here by the
/// registry, in passing and without waiting.
///
/// There is one entry per id: what came and went again before it was told is not told at all.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    log: Mutex<Log>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Log {
    /// Nothing is kept while this is not set: a snapshot is due anyway.
    is_followed: bool,
    /// A snapshot is being taken: what comes now may be in it or not.
    is_taking: bool,
    untold: HashMap<Key, Untold, ahash::RandomState>,
    order: VecDeque<Key>,
}

/// What was not told of one id.
#[derive(Debug, Default)]
struct Untold {
    /// Connections that have ended, and of which has been told, or may have been.
    ended: SmallVec<[u64; 1]>,
    began: Option<Began>,
}

#[derive(Debug)]
struct Began {
    connection: Connection,
    /// It may be in the snapshot, so its end must be told.
    may_be_told: bool,
}

impl Connection {
    pub(crate) fn of(peer: &Peer) -> Self {
        let name = peer.name().into();
        Self { key: Key::of(peer), epoch: peer.epoch.0, addr: peer.addr, name }
    }
}

impl Key {
    fn of(peer: &Peer) -> Self {
        match peer.identity {
            Identity::Edge { id, .. } => Self::Edge(id.0),
            // Only edges and services are in a table that is followed.
            _ => Self::Service(peer.wire_id()),
        }
    }
}

impl Changes {
    /// Notes that `peer` can be reached. Called after the registry knows.
    pub(super) fn online(&self, peer: &Peer) {
        self.note(Key::of(peer), |may_be_told, untold| {
            untold.began = Some(Began { connection: Connection::of(peer), may_be_told });
        });
    }

    /// Notes that `peer` no longer can. Called after the registry knows.
    pub(super) fn offline(&self, peer: &Peer) {
        let epoch = peer.epoch.0;
        self.note(Key::of(peer), |_, untold| {
            let began = untold.began.take_if(|began| began.connection.epoch == epoch);
            if began.is_none_or(|began| began.may_be_told) {
                untold.ended.push(epoch);
            }
        });
    }

    fn note(&self, key: Key, note: impl FnOnce(bool, &mut Untold)) {
        let mut log = self.log.lock();
        if !log.is_followed {
            return;
        }
        let (is_taking, len) = (log.is_taking, log.untold.len());
        let Log { untold, order, .. } = &mut *log;
        let entry = untold.entry(key);
        let is_new = matches!(entry, Entry::Vacant(_));
        let of_id = entry.or_default();
        note(is_taking, of_id);
        if of_id.ended.len() > ENDED || (is_new && len >= LIMIT) {
            log.forget();
        } else if is_new {
            order.push_back(key);
        }
        drop(log);
        self.news.notify_one();
    }

    /// From here on changes are kept. What is in the registry now is for [`end_snapshot`]'s caller to list.
    ///
    /// [`end_snapshot`]: Self::end_snapshot
    pub(crate) fn begin_snapshot(&self) {
        let mut log = self.log.lock();
        log.forget();
        (log.is_followed, log.is_taking) = (true, true);
    }

    /// The registry has been listed.
    pub(crate) fn end_snapshot(&self) {
        let mut log = self.log.lock();
        log.is_taking = false;
        for untold in log.untold.values_mut() {
            if let Some(began) = &mut untold.began {
                began.may_be_told = true;
            }
        }
    }

    /// Nothing is kept from here on.
    pub(crate) fn stop(&self) {
        self.log.lock().forget();
    }

    /// At most `count` ids' changes, which count as told from here on.
    pub(crate) fn take(&self, count: usize) -> Result<Vec<Change>, Overflow> {
        let mut log = self.log.lock();
        if !log.is_followed {
            return Err(Overflow);
        }
        let mut changes = Vec::new();
        for _ in 0..count {
            let Some(key) = log.order.pop_front() else { break };
            let Some(Untold { ended, began }) = log.untold.remove(&key) else { continue };
            changes.extend(ended.into_iter().map(|epoch| Change::Offline { key, epoch }));
            changes.extend(began.map(|began| Change::Online(began.connection)));
        }
        if log.order.is_empty() {
            // One burst is no reason to hold its memory for ever.
            log.order.shrink_to(1024);
            log.untold.shrink_to(1024);
        }
        Ok(changes)
    }

    /// Waits until there may be something to take, or to overflow. Cancel safe.
    pub(crate) async fn news(&self) {
        loop {
            {
                let log = self.log.lock();
                if !log.is_followed || !log.order.is_empty() {
                    return;
                }
            }
            self.news.notified().await;
        }
    }
}

impl Log {
    fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests;
