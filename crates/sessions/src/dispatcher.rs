//! Who is called next, and on which host: the hosts of one service, shared among its sessions.
//!
//! ```text
//!   session ── offered ─▶ waiting ─┐            ┌─ free, in the order of the balance ◀─ host joined
//!                                  ├─ a grant ──┤
//!   the least served first ────────┘            └─ in flight, up to capacity × (1 + prefetch)
//!                                                       │ finished: answered, failed, given back
//!                                                       ▼
//!                                      free again, or blocked for a time, or gone
//! ```
//!
//! A grant is a place at a host, and counts as in flight until it is finished, whatever happens: what is in flight at a host
//! is the number of grants that are not, so nothing leaks and nothing has to be swept.
//!
//! Sessions get time of hosts in proportion to their weight, which doubles with each 500 of priority: the one that has had
//! the least is next, and where many calls are in flight it gets some in a row, as they cost less together. Each grant is charged what calls of that session took so far, and what it really took in the end, so a
//! session of long calls gets no more than one of short ones, and none waits for ever.
//!
//! A session may prefer some hosts: it is called there while they begin a call at once, and elsewhere as soon as they do not.
//!
//! Where that is configured, a call that runs much longer than others of its session is [made at a second host](HedgeConfig) as
//! well.

mod choice;
mod hedge;
mod host;
mod membership;
mod pool;
mod share;

pub use hedge::HedgeConfig;
pub use host::{Host, HostKey, HostState, Labels};

use crate::id::SessionId;
use crate::settings::{Affinity, Preference, Settings};
use ahash::AHashMap;
use hedge::Hedging;
use host::HostEntry;
use pool::{Members, Pool, PoolIndex};
use share::Share;
use slab::Slab;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// By what a host is chosen among those that have a place. Places beyond the capacity are used last in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Balance {
    /// One after the other.
    RoundRobin,
    /// The one with the fewest calls for its capacity.
    #[default]
    LeastConnections,
    /// The one with the fewest calls, by what it says itself as well: others may use it too.
    QueueDepth,
}

/// How calls are dispatched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DispatchConfig {
    /// By what a host is chosen.
    pub balance: Balance,
    /// How many calls are kept at a host beyond its capacity, as a multiple of that. 1.
    pub prefetch: u32,
    /// How long a host may take to answer for the first time: until then it is tried again after 1 s, 2 s, 4 s and so on.
    /// 60 s, of which it gets a tenth more.
    pub initialization: Duration,
    /// How long a host is left alone that can't be reached. 10 s.
    pub retry_period: Duration,
    /// When a call is made at a second host as well; never, unless set.
    pub hedge: Option<HedgeConfig>,
}

impl Default for DispatchConfig {
    fn default() -> Self {
        Self {
            balance: Balance::LeastConnections,
            prefetch: 1,
            initialization: Duration::from_secs(60),
            retry_period: Duration::from_secs(10),
            hedge: None,
        }
    }
}

/// Names a call that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId {
    place: usize,
    number: u64,
}

/// A session may call once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Names this call.
    pub attempt: AttemptId,
    /// Who may.
    pub session: SessionId,
    /// At which host.
    pub host: HostKey,
    /// Whose request is called: that of this call, a second time, and else the next one.
    pub hedges: Option<AttemptId>,
}

/// How a call has ended, for its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The host has answered, whatever it was.
    Answered,
    /// The call did not end well, or in time.
    Failed,
    /// The host could not be reached.
    Unreachable,
    /// The host can't offer the service to this session: it is not asked again for it, nor are others of its node.
    NotInitialized,
    /// The host has given it back, as it is stopping.
    Preempted,
    /// There was nothing to call.
    Unused,
    /// Another host has answered first.
    Superseded,
}

/// What the dispatcher has to know of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// See [`Settings::priority`].
    pub priority: u16,
    /// Labels that a host must have.
    pub pool: Labels,
    /// See [`Preference`].
    pub preferred: Preference,
    /// See [`Affinity`].
    pub affinity: Affinity,
    /// The most calls at once, but for those that are prefetched; 0 for no limit.
    pub maximum_units: u32,
}

impl From<&Settings> for SessionPlan {
    fn from(settings: &Settings) -> Self {
        let Settings { priority, pool, preferred, affinity, maximum_units, .. } = settings;
        Self {
            priority: *priority,
            pool: pool.clone(),
            preferred: preferred.clone(),
            affinity: *affinity,
            maximum_units: *maximum_units,
        }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Hosts that are there.
    pub hosts: usize,
    /// Of these, those that can't be reached now.
    pub blocked: usize,
    /// Of these, those that are stopping.
    pub draining: usize,
    /// What the others can do at once.
    pub capacity: u64,
    /// Calls that are granted and not finished.
    pub in_flight: u64,
    /// Requests that wait for a grant.
    pub waiting: u64,
}

/// The most nodes that a session does without.
const MAX_BLACKLISTED: usize = 64;

/// The hosts of one service, shared among its sessions.
#[derive(Debug)]
pub struct Dispatcher {
    config: DispatchConfig,
    hosts: Slab<HostEntry>,
    by_edge: AHashMap<u64, usize>,
    /// Hosts that are left alone, by when that ends.
    blocked: BTreeSet<(Instant, usize)>,
    sessions: AHashMap<SessionId, SessionEntry>,
    pools: Slab<Pool>,
    by_members: BTreeMap<Members, PoolIndex>,
    /// Pools that have both a free host and a session that waits, by how little that has had.
    ready: BTreeSet<(u128, PoolIndex)>,
    /// Sessions whose oldest call is to be made at a second host, by when.
    hedges: BTreeSet<(Instant, SessionId)>,
    attempts: Slab<Attempt>,
    /// Hosts and sessions of which something has changed: they stand nowhere until the next grant.
    touched_hosts: Vec<usize>,
    touched_sessions: Vec<SessionId>,
    /// Who was granted the last call, and how many more it may be before others are.
    row: Option<(SessionId, u32)>,
    /// How much a session has had that has had no less than all others that waited.
    clock: u128,
    number: u64,
}

#[derive(Debug)]
struct Attempt {
    number: u64,
    session: SessionId,
    host: usize,
    since: Instant,
    charged: u128,
    /// Whether it is the second call of a request.
    is_second: bool,
}

#[derive(Debug)]
struct SessionEntry {
    affinity: Affinity,
    maximum_units: u32,
    pool: PoolIndex,
    /// Those of the hosts of its pool that it prefers, by node and by labels.
    preferred: Vec<PoolIndex>,
    share: Share,
    /// How many calls it has wanted, in all, and how many it was granted.
    offered: u64,
    granted: u64,
    in_flight: u64,
    /// Whether it stands among those that wait, and as what.
    queued_as: Option<u128>,
    is_touched: bool,
    /// The host of the last grant.
    last: Option<HostKey>,
    /// Nodes that can't offer it the service.
    blacklist: VecDeque<String>,
    hedging: Hedging,
}

impl SessionEntry {
    /// The most calls at once.
    fn most(&self, prefetch: u32) -> u64 {
        match self.maximum_units {
            0 => u64::MAX,
            units => u64::from(units) * (1 + u64::from(prefetch)),
        }
    }
}

impl Dispatcher {
    /// Without hosts and sessions.
    #[must_use]
    pub fn new(config: DispatchConfig) -> Self {
        Self {
            config,
            hosts: Slab::new(),
            by_edge: AHashMap::default(),
            blocked: BTreeSet::new(),
            sessions: AHashMap::default(),
            pools: Slab::new(),
            by_members: BTreeMap::new(),
            ready: BTreeSet::new(),
            hedges: BTreeSet::new(),
            attempts: Slab::new(),
            touched_hosts: Vec::new(),
            touched_sessions: Vec::new(),
            row: None,
            clock: 0,
            number: 0,
        }
    }

    /// How many calls a session has wanted, in all: see [`Session::offered`](crate::Session::offered).
    pub fn offered(&mut self, id: SessionId, total: u64) {
        if let Some(entry) = self.sessions.get_mut(&id) {
            entry.offered = total;
            self.touch_session(id);
        }
    }

    fn grant(&mut self, session: SessionId, host: usize, hedges: Option<AttemptId>, now: Instant) -> Grant {
        self.unqueue(session);
        self.withdraw(host);
        self.number += 1;
        let number = self.number;
        let key = self.hosts[host].host.key;
        let mut charged = 0;
        if let Some(entry) = self.sessions.get_mut(&session) {
            self.clock = self.clock.max(entry.share.had());
            charged = entry.share.charge();
            entry.in_flight += 1;
            if hedges.is_none() {
                entry.granted += 1;
                entry.last = Some(key);
            }
        }
        let is_second = hedges.is_some();
        let place = self.attempts.insert(Attempt { number, session, host, since: now, charged, is_second });
        if !is_second {
            self.note_granted(session, place, now);
        }
        let entry = &mut self.hosts[host];
        entry.in_flight += 1;
        entry.last_grant = number;
        self.place(host);
        self.queue(session);
        Grant { attempt: AttemptId { place, number }, session, host: key, hedges }
    }

    /// A call has ended. What is said a second time of one is ignored.
    pub fn finished(&mut self, attempt: AttemptId, ending: Ending, now: Instant) {
        if self.attempts.get(attempt.place).is_none_or(|it| it.number != attempt.number) {
            return;
        }
        let place = attempt.place;
        let attempt = self.attempts.remove(place);
        let Attempt { session, host, since, charged, is_second, .. } = attempt;
        let took = now.saturating_duration_since(since);
        self.note_ended(place, &attempt, ending, took);
        self.free_host(host, ending, now);
        let node = (ending == Ending::NotInitialized).then(|| self.hosts[host].host.node.clone());
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.in_flight -= 1;
            match ending {
                Ending::Answered | Ending::Failed | Ending::Superseded => {
                    entry.share.settle(charged, took, self.clock);
                }
                Ending::Unreachable | Ending::NotInitialized | Ending::Preempted => {
                    entry.share.refund(charged);
                }
                Ending::Unused => {
                    entry.share.refund(charged);
                    entry.granted = entry.granted.saturating_sub(u64::from(!is_second));
                }
            }
            if let Some(node) = node
                && !entry.blacklist.contains(&node)
            {
                entry.blacklist.truncate(MAX_BLACKLISTED - 1);
                entry.blacklist.push_front(node);
            }
        }
        self.touch_session(session);
        self.forget_gone(host);
    }

    fn free_host(&mut self, index: usize, ending: Ending, now: Instant) {
        self.touch_host(index);
        let config = self.config;
        let entry = &mut self.hosts[index];
        entry.in_flight -= 1;
        match ending {
            Ending::Answered => entry.answered(),
            Ending::Unreachable if entry.state == HostState::Ready => {
                let until = now + entry.pause(&config, now);
                entry.state = HostState::Blocked(until);
                self.blocked.insert((until, index));
            }
            Ending::Preempted if entry.state == HostState::Ready => entry.state = HostState::Draining,
            _ => {}
        }
    }

    fn forget_gone(&mut self, index: usize) {
        if self.hosts.get(index).is_some_and(|it| it.state == HostState::Gone && it.in_flight == 0) {
            self.hosts.remove(index);
        }
    }

    /// When [`on_time`](Self::on_time) has to be called, and [`hedge`](Self::hedge) may have something.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let blocked = self.blocked.first().map(|(until, _)| *until);
        blocked.into_iter().chain(self.hedges.first().map(|(due, _)| *due)).min()
    }

    /// Hosts that were left alone long enough are tried again.
    pub fn on_time(&mut self, now: Instant) {
        while let Some(&(until, index)) = self.blocked.first().filter(|(until, _)| *until <= now) {
            self.blocked.remove(&(until, index));
            self.hosts[index].state = HostState::Ready;
            self.place(index);
        }
    }

    /// How it stands.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let mut figures = Figures { in_flight: self.attempts.len() as u64, ..Figures::default() };
        for (_, entry) in self.hosts.iter().filter(|(_, entry)| entry.state != HostState::Gone) {
            figures.hosts += 1;
            match entry.state {
                HostState::Blocked(_) => figures.blocked += 1,
                HostState::Draining => figures.draining += 1,
                HostState::Ready | HostState::Gone => figures.capacity += u64::from(entry.host.capacity),
            }
        }
        figures.waiting =
            self.sessions.values().map(|entry| entry.offered.saturating_sub(entry.granted)).sum();
        figures
    }

    /// What is known of each host, how it stands, and how many calls it has.
    pub fn hosts(&self) -> impl Iterator<Item = (&Host, HostState, u32)> {
        let there = self.hosts.iter().map(|(_, entry)| entry).filter(|it| it.state != HostState::Gone);
        there.map(|entry| (&entry.host, entry.state, entry.in_flight))
    }

    /// How many calls of a session are in flight.
    #[must_use]
    pub fn in_flight(&self, session: SessionId) -> u64 {
        self.sessions.get(&session).map_or(0, |entry| entry.in_flight)
    }
}

#[cfg(test)]
mod tests;
