//! Hosts that have something in common, and the sessions that wait for one of them.

#[cfg(test)]
use super::host::HostState;
use super::host::{Host, Labels, Rank};
use super::{Dispatcher, SessionId};
use std::collections::BTreeSet;

/// Names a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PoolIndex(pub(super) usize);

/// Which hosts are in a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Members {
    /// Those that have all of these,
    pub(super) labels: Labels,
    /// and are on this node, if it is one.
    pub(super) node: Option<String>,
}

impl Members {
    /// Whether this host is.
    pub(super) fn has(&self, host: &Host) -> bool {
        self.node.as_ref().is_none_or(|node| *node == host.node)
            && self.labels.iter().all(|(name, value)| host.labels.get(name) == Some(value))
    }
}

/// Those that sessions must be called at, and those that some prefer: for these none waits.
#[derive(Debug)]
pub(super) struct Pool {
    /// Which hosts are in it.
    pub(super) members: Members,
    /// How many sessions use it.
    pub(super) sessions: usize,
    /// Its hosts that have a place, the one to take first.
    pub(super) free: BTreeSet<(Rank, usize)>,
    /// Its sessions that wait, the one that has had least first.
    pub(super) waiting: BTreeSet<(u128, SessionId)>,
    /// As what it stands among those that are ready.
    ready_as: Option<u128>,
}

impl Pool {
    pub(super) fn new(members: Members) -> Self {
        Self { members, sessions: 0, free: BTreeSet::new(), waiting: BTreeSet::new(), ready_as: None }
    }
}

impl Dispatcher {
    /// Has a host stand nowhere until [`settle`](Self::settle): many calls end at once, and it is placed once.
    pub(super) fn touch_host(&mut self, index: usize) {
        self.withdraw(index);
        let entry = &mut self.hosts[index];
        if !std::mem::replace(&mut entry.is_touched, true) {
            self.touched_hosts.push(index);
        }
    }

    /// The same of a session.
    pub(super) fn touch_session(&mut self, id: SessionId) {
        self.unqueue(id);
        if let Some(entry) = self.sessions.get_mut(&id)
            && !std::mem::replace(&mut entry.is_touched, true)
        {
            self.touched_sessions.push(id);
        }
    }

    /// Puts all where they belong of which something has changed.
    pub(super) fn settle(&mut self) {
        while let Some(index) = self.touched_hosts.pop() {
            // It may be gone, and another one in its place: that is placed twice then.
            if let Some(entry) = self.hosts.get_mut(index) {
                entry.is_touched = false;
                self.place(index);
            }
        }
        while let Some(id) = self.touched_sessions.pop() {
            if let Some(entry) = self.sessions.get_mut(&id) {
                entry.is_touched = false;
                self.queue(id);
            }
        }
    }

    /// Puts a host among the free ones of its pools, if it is free.
    pub(super) fn place(&mut self, index: usize) {
        self.withdraw(index);
        let entry = &mut self.hosts[index];
        entry.rank = entry.free_as(&self.config);
        let Some(rank) = entry.rank else { return };
        // It has them again below: they are not copied, as this is done twice with each call.
        let pools = std::mem::take(&mut entry.pools);
        for pool in &pools {
            self.pools[pool.0].free.insert((rank, index));
            self.update_ready(*pool);
        }
        self.hosts[index].pools = pools;
    }

    /// Takes a host out of there, as long as something changes about it.
    pub(super) fn withdraw(&mut self, index: usize) {
        let entry = &mut self.hosts[index];
        let Some(rank) = entry.rank.take() else { return };
        let pools = std::mem::take(&mut entry.pools);
        for pool in &pools {
            self.pools[pool.0].free.remove(&(rank, index));
            self.update_ready(*pool);
        }
        self.hosts[index].pools = pools;
    }

    /// Has a session wait, if it wants a call and may have one more.
    pub(super) fn queue(&mut self, id: SessionId) {
        self.unqueue(id);
        let clock = self.clock;
        let prefetch = self.config.prefetch;
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        if entry.offered <= entry.granted || entry.in_flight >= entry.most(prefetch) {
            return;
        }
        if entry.in_flight == 0 {
            // One that wanted nothing for a time has not saved that up.
            entry.share.catch_up(clock);
        }
        let had = entry.share.had();
        entry.queued_as = Some(had);
        let pool = entry.pool;
        self.pools[pool.0].waiting.insert((had, id));
        self.update_ready(pool);
    }

    /// Has a session no longer wait, as long as something changes about it.
    pub(super) fn unqueue(&mut self, id: SessionId) {
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        let Some(had) = entry.queued_as.take() else { return };
        let pool = entry.pool;
        self.pools[pool.0].waiting.remove(&(had, id));
        self.update_ready(pool);
    }

    fn update_ready(&mut self, index: PoolIndex) {
        let pool = &self.pools[index.0];
        let had = pool.waiting.first().map(|(had, _)| *had).filter(|_| !pool.free.is_empty());
        if had != pool.ready_as {
            self.unready(index);
            self.pools[index.0].ready_as = had;
            self.ready.extend(had.map(|had| (had, index)));
        }
    }

    pub(super) fn unready(&mut self, index: PoolIndex) {
        if let Some(had) = self.pools[index.0].ready_as.take() {
            self.ready.remove(&(had, index));
        }
    }

    /// Whether everything that is kept twice is kept alike.
    #[cfg(test)]
    pub(super) fn check(&mut self) {
        self.settle();
        for (index, host) in &self.hosts {
            let attempts = self.attempts.iter().filter(|(_, attempt)| attempt.host == index).count();
            assert_eq!(host.in_flight as usize, attempts, "what is in flight is what was granted");
            let is_free = host.free_as(&self.config).is_some();
            assert_eq!(host.rank.is_some(), is_free);
            for (pool_index, pool) in &self.pools {
                let is_in = host.state != HostState::Gone && pool.members.has(&host.host);
                let stands = host.rank.is_some_and(|rank| pool.free.contains(&(rank, index)));
                assert_eq!(is_in && is_free, stands, "host {index}, pool {pool_index}");
            }
        }
        for (id, entry) in &self.sessions {
            let attempts = self.attempts.iter().filter(|(_, attempt)| attempt.session == *id).count();
            assert_eq!(entry.in_flight, attempts as u64);
            assert!(entry.in_flight <= entry.most(self.config.prefetch));
        }
        for (index, pool) in &self.pools {
            let is_ready = !pool.free.is_empty() && !pool.waiting.is_empty();
            assert_eq!(self.ready.iter().any(|(_, it)| it.0 == index), is_ready);
        }
    }
}
