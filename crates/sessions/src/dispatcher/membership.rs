//! Hosts and sessions that come and go.

use super::hedge::Hedging;
use super::host::{Host, HostEntry, HostKey, HostState, Labels};
use super::pool::{Pool, PoolIndex};
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
        let pools = self.pools.iter().filter(|(_, pool)| pool.takes(&host.labels));
        let pools = pools.map(|(index, _)| PoolIndex(index)).collect();
        let index = self.hosts.insert(HostEntry::new(host, pools, now));
        self.by_edge.insert(key.edge, index);
        self.place(index);
    }

    fn update_host(&mut self, index: usize, host: Host) {
        self.withdraw(index);
        self.unblock(index);
        let pools = self.pools.iter().filter(|(_, pool)| pool.takes(&host.labels));
        let pools = pools.map(|(index, _)| PoolIndex(index)).collect();
        let entry = &mut self.hosts[index];
        if let HostState::Blocked(_) = entry.state {
            // It is there, as is the way to it: it has just come from there.
            entry.state = HostState::Ready;
        }
        entry.pools = pools;
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

    /// A session is there.
    pub fn session_opened(&mut self, id: SessionId, plan: SessionPlan) {
        let pool = match self.by_labels.get(&plan.pool) {
            Some(pool) => *pool,
            None => self.open_pool(&plan.pool),
        };
        self.pools[pool.0].sessions += 1;
        let share = Share::new(plan.priority);
        let entry = SessionEntry {
            plan,
            pool,
            share,
            offered: 0,
            granted: 0,
            in_flight: 0,
            queued_as: None,
            is_touched: false,
            last: None,
            blacklist: VecDeque::new(),
            hedging: Hedging::default(),
        };
        if self.sessions.insert(id, entry).is_some() {
            // It was opened twice, and counts once.
            self.pools[pool.0].sessions -= 1;
        }
    }

    fn open_pool(&mut self, labels: &Labels) -> PoolIndex {
        let index = PoolIndex(self.pools.insert(Pool::new(labels.clone())));
        self.by_labels.insert(labels.clone(), index);
        let members = self.hosts.iter().filter(|(_, entry)| {
            entry.state != HostState::Gone && self.pools[index.0].takes(&entry.host.labels)
        });
        for member in members.map(|(member, _)| member).collect::<Vec<_>>() {
            self.withdraw(member);
            self.hosts[member].pools.push(index);
            self.place(member);
        }
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
        let pool = &mut self.pools[entry.pool.0];
        pool.sessions -= 1;
        if pool.sessions == 0 {
            self.by_labels.remove(&pool.labels);
            for (_, host) in self.hosts.iter_mut() {
                host.pools.retain(|it| *it != entry.pool);
            }
            self.unready(entry.pool);
            self.pools.remove(entry.pool.0);
        }
    }

    fn unblock(&mut self, index: usize) {
        if let HostState::Blocked(until) = self.hosts[index].state {
            self.blocked.remove(&(until, index));
        }
    }
}
