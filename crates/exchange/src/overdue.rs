//! Deadlines: those who have requests in their tables are looked at, and nobody else. An idle connection costs nothing here.

use crate::pending::Pending;
use crate::sweep::PEERS_PER_SLICE;
use crate::turn::let_others_run;
use crate::{Exchange, Peer};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// What may be kept for more peers than there are.
const SPARE: usize = 1024;

/// Those who have something in their tables, or had it when they were looked at last. Each stands here once, which its
/// [`Pending`] knows.
#[derive(Debug, Default)]
pub(crate) struct Tables(Mutex<VecDeque<Weak<Peer>>>);

impl Tables {
    /// Changes the tables of a peer, which are looked at from here on.
    pub(crate) fn change<T>(&self, peer: &Arc<Peer>, change: impl FnOnce(&mut Pending) -> T) -> T {
        let mut pending = peer.pending.lock();
        let changed = change(&mut pending);
        let is_new = pending.enlist();
        drop(pending);
        if is_new {
            self.0.lock().push_back(Arc::downgrade(peer));
        }
        changed
    }

    fn len(&self) -> usize {
        self.0.lock().len()
    }

    fn take(&self, count: usize) -> Vec<Weak<Peer>> {
        let mut peers = self.0.lock();
        let count = count.min(peers.len());
        peers.drain(..count).collect()
    }

    fn put_back(&self, listed: Vec<Weak<Peer>>) {
        let mut peers = self.0.lock();
        peers.extend(listed);
        if peers.capacity() > 2 * peers.len() + SPARE {
            peers.shrink_to_fit();
        }
    }
}

impl Exchange {
    /// Fails the requests whose deadline is over. How late that is noticed is up to how often this is called. No slice takes
    /// longer than some hundreds of peers do.
    ///
    /// # Cancel safety
    /// Cancel safe: the others are looked at by the next one.
    pub async fn expire_overdue(&self) {
        let mut left = self.tables.len();
        while left > 0 {
            let count = left.min(PEERS_PER_SLICE);
            self.expire_slice(count);
            left -= count;
            let_others_run().await;
        }
    }

    /// One slice, of so many of those who stand first.
    pub(crate) fn expire_slice(&self, count: usize) {
        let mut batch = self.batch();
        let now = Instant::now();
        let mut listed = self.tables.take(count);
        listed.retain(|peer| {
            let Some(peer) = peer.upgrade() else { return false };
            self.expire(&peer, now, &mut batch);
            peer.pending.lock().stays_listed()
        });
        self.tables.put_back(listed);
    }
}

#[cfg(test)]
mod tests;
