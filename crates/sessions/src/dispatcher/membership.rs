//! Hosts and sessions that come and go.

use super::hedge::Hedging;
use super::host::{Host, HostEntry, HostKey, HostState};
use super::pool::{Members, Pool, PoolIndex};
use super::share::Share;
use super::{AttemptId, Dispatcher, Ending, SessionEntry, SessionPlan};
use crate::id::SessionId;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Instant;

impl Dispatcher {
    /// A host is there, or says again how it is, which ends that it is left alone. A later generation takes the place of an earlier one; an earlier one is
    /// ignored.
    pub fn host_joined(&mut self, host: Host, now: Instant) {
        let known = self.by_edge.get(&host.key.edge).copied();
        if let Some(index) = known {
            let entry = &mut self.hosts[index];
            match entry.host.key.generation.cmp(&host.key.generation) {
                Ordering::Greater => return,
                Ordering::Equal => return self.update_host(index, host),
                Ordering::Less => self.remove_host(index),
            }
        }
        let key = host.key;
        let pools = self.pools_of(&host);
        let index = self.hosts.insert(HostEntry::new(host, pools, now));
        self.by_edge.insert(key.edge, index);
        self.place(index);
    }

    fn update_host(&mut self, index: usize, host: Host) {
        self.withdraw(index);
        self.unblock(index);
        let before = &self.hosts[index].host;
        // It mostly says what it has said, and there may be many pools.
        let is_elsewhere = before.node != host.node || before.labels != host.labels;
        let pools = is_elsewhere.then(|| self.pools_of(&host));
        let entry = &mut self.hosts[index];
        if let HostState::Blocked(_) = entry.state {
            // It is there, as is the way to it: it has just come from there.
            entry.state = HostState::Ready;
        }
        if let Some(pools) = pools {
            entry.pools = pools;
        }
        entry.host = host;
        self.place(index);
    }

    /// A host takes no more; what is in flight there may end.
    pub fn host_draining(&mut self, key: HostKey) {
        if let Some(index) = self.find(key) {
            self.withdraw(index);
            self.unblock(index);
            self.hosts[index].state = HostState::Draining;
        }
    }

    /// A host is gone. What is in flight there ends by itself.
    pub fn host_left(&mut self, key: HostKey) {
        if let Some(index) = self.find(key) {
            self.remove_host(index);
        }
    }

    pub(super) fn find(&self, key: HostKey) -> Option<usize> {
        let index = *self.by_edge.get(&key.edge)?;
        (self.hosts[index].host.key == key).then_some(index)
    }

    fn remove_host(&mut self, index: usize) {
        self.withdraw(index);
        self.unblock(index);
        let entry = &mut self.hosts[index];
        entry.state = HostState::Gone;
        self.by_edge.remove(&entry.host.key.edge);
        if entry.in_flight == 0 {
            self.hosts.remove(index);
        }
    }

    fn pools_of(&self, host: &Host) -> Vec<PoolIndex> {
        let pools = self.pools.iter().filter(|(_, pool)| pool.members.has(host));
        pools.map(|(index, _)| PoolIndex(index)).collect()
    }

    /// A session is there. One that is already stays as it is.
    pub fn session_opened(&mut self, id: SessionId, plan: SessionPlan) {
        if self.sessions.contains_key(&id) {
            return;
        }
        let SessionPlan { priority, pool: labels, preferred, affinity, maximum_units } = plan;
        let by_labels = !preferred.labels.is_empty() && preferred.contradiction(&labels).is_none();
        let of_node = |node| Members { labels: labels.clone(), node: Some(node) };
        let mut wanted: Vec<Members> = preferred.nodes.into_iter().map(of_node).collect();
        if by_labels {
            let labels = labels.clone().into_iter().chain(preferred.labels).collect();
            wanted.push(Members { labels, node: None });
        }
        let preferred = wanted.into_iter().map(|members| self.use_pool(members)).collect();
        let entry = SessionEntry {
            affinity,
            maximum_units,
            pool: self.use_pool(Members { labels, node: None }),
            preferred,
            share: Share::new(priority),
            offered: 0,
            granted: 0,
            in_flight: 0,
            queued_as: None,
            is_touched: false,
            last: None,
            blacklist: VecDeque::new(),
            hedging: Hedging::default(),
        };
        self.sessions.insert(id, entry);
    }

    /// A session more uses the pool of these.
    fn use_pool(&mut self, members: Members) -> PoolIndex {
        let index = match self.by_members.get(&members) {
            Some(pool) => *pool,
            None => self.open_pool(members),
        };
        self.pools[index.0].sessions += 1;
        index
    }

    fn open_pool(&mut self, members: Members) -> PoolIndex {
        let index = PoolIndex(self.pools.insert(Pool::new(members.clone())));
        let of_it = |entry: &HostEntry| entry.state != HostState::Gone && members.has(&entry.host);
        let hosts = self.hosts.iter().filter(|(_, entry)| of_it(entry)).map(|(host, _)| host);
        for host in hosts.collect::<Vec<_>>() {
            self.withdraw(host);
            self.hosts[host].pools.push(index);
            self.place(host);
        }
        self.by_members.insert(members, index);
        index
    }

    /// A session is gone, and its calls with it.
    pub fn session_closed(&mut self, id: SessionId, now: Instant) {
        let calls = self.attempts.iter().filter(|(_, attempt)| attempt.session == id);
        let calls = calls.map(|(place, attempt)| AttemptId { place, number: attempt.number });
        for call in calls.collect::<Vec<_>>() {
            self.finished(call, Ending::Unused, now);
        }
        self.unqueue(id);
        let Some(entry) = self.sessions.remove(&id) else { return };
        self.unschedule_hedge(id, &entry);
        for pool in entry.preferred.into_iter().chain([entry.pool]) {
            self.leave_pool(pool);
        }
    }

    /// A session less uses this pool.
    fn leave_pool(&mut self, index: PoolIndex) {
        let pool = &mut self.pools[index.0];
        pool.sessions -= 1;
        if pool.sessions == 0 {
            self.by_members.remove(&pool.members);
            for (_, host) in self.hosts.iter_mut() {
                host.pools.retain(|it| *it != index);
            }
            self.unready(index);
            self.pools.remove(index.0);
        }
    }

    fn unblock(&mut self, index: usize) {
        if let HostState::Blocked(until) = self.hosts[index].state {
            self.blocked.remove(&(until, index));
        }
    }
}
