//! Frontiers, from join to sweep, and the records of what is on them.

use super::history::History;
use crate::model::{
    Change, Incarnation, Kind, Lease, MAX_SERVICE_NAMES, MAX_SERVICE_NAMES_SIZE, Mark, NewFrontier, Timestamp,
};
use crate::{Bounds, DirectoryError, Lifetimes};
use frontier_protocol::Claim;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

/// Records that one sweep looks at: it holds the lock meanwhile.
const MAX_RECORDS_PER_SWEEP: usize = 10_000;

/// The directory, at the time `now`.
pub(super) struct State {
    pub(super) lifetimes: Lifetimes,
    pub(super) bounds: Bounds,
    pub(super) now: u64,
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) records: HashMap<(Kind, u64), Record>,
    /// When records may be removed.
    expiries: VecDeque<(u64, Kind, u64)>,
    pub(super) history: History,
}

/// A frontier, living or not.
pub(super) struct Node {
    pub(super) info: NewFrontier,
    pub(super) incarnation: u64,
    pub(super) session: u64,
    /// Changes whenever the frontier comes anew: records of earlier ones do not count. `None` for one that has gone.
    pub(super) generation: Option<u64>,
    alive_until: u64,
    /// The marks ([`Mark`]).
    pub(super) draining: bool,
    pub(super) away: bool,
    pub(super) forwarding: bool,
    /// What is connected to it.
    pub(super) members: BTreeMap<Kind, BTreeSet<u64>>,
    /// How many of the services have which name.
    names: BTreeMap<String, usize>,
    /// During a resync: what was in the snapshot, or was reported since.
    pub(super) snapshot: Option<BTreeMap<Kind, HashSet<u64>>>,
}

/// What is known of an id, or was.
pub(super) struct Record {
    pub(super) frontier: String,
    pub(super) generation: u64,
    pub(super) addr: String,
    pub(super) service: Option<String>,
    pub(super) claim: Option<Claim>,
    pub(super) stamp: u64,
    /// Its place in the order of connections: the stamp, or when it was reported if that was earlier.
    pub(super) order: u64,
    pub(super) update_time: u64,
    /// It was reported to have ended.
    pub(super) ended: bool,
    /// If it lives no longer: until when it is kept, so that late reports are known as such.
    pub(super) keep_until: u64,
}

impl Node {
    /// Its generation, if it lives.
    pub(super) fn live_generation(&self, now: u64) -> Option<u64> {
        self.generation.filter(|_| now < self.alive_until)
    }

    /// Notes that it has this edge, or this service of a name.
    pub(super) fn add(&mut self, kind: Kind, id: u64, name: Option<&str>) {
        self.members.entry(kind).or_default().insert(id);
        if kind == Kind::Service {
            *self.names.entry(name.unwrap_or_default().to_owned()).or_default() += 1;
        }
    }

    /// Notes that it no longer has it, if it had.
    pub(super) fn remove(&mut self, kind: Kind, id: u64, name: Option<&str>) {
        let had = self.members.get_mut(&kind).is_some_and(|ids| ids.remove(&id));
        let name = name.unwrap_or_default();
        if had
            && kind == Kind::Service
            && let Some(count) = self.names.get_mut(name)
        {
            *count -= 1;
            if *count == 0 {
                self.names.remove(name);
            }
        }
    }

    /// The names of its services, as [`Frontier`](crate::Frontier) has them.
    pub(super) fn service_names(&self) -> Vec<String> {
        let mut size = 0;
        let fits = |name: &&String| {
            size += name.len();
            size <= MAX_SERVICE_NAMES_SIZE
        };
        self.names.keys().take(MAX_SERVICE_NAMES).take_while(fits).cloned().collect()
    }

    /// Whether it has as many as it may, and not this one. What a snapshot leaves out is on its way out.
    pub(super) fn is_full(&self, kind: Kind, id: u64, bounds: Bounds) -> bool {
        let Some(ids) = self.members.get(&kind) else { return false };
        let count = match &self.snapshot {
            Some(snapshot) => snapshot.get(&kind).map_or(0, HashSet::len),
            None => ids.len(),
        };
        count >= bounds.of(kind) && !ids.contains(&id)
    }
}

impl State {
    pub(super) fn new(lifetimes: Lifetimes, bounds: Bounds, now: Timestamp) -> Self {
        Self {
            lifetimes,
            bounds,
            now: now.0,
            nodes: BTreeMap::new(),
            records: HashMap::new(),
            expiries: VecDeque::new(),
            history: History::new(now.0, lifetimes.history),
        }
    }

    pub(super) fn join(
        &mut self,
        frontier: &NewFrontier,
        incarnation: Option<Incarnation>,
    ) -> Result<Lease, DirectoryError> {
        let now = self.now;
        let given = incarnation.map(|it| it.0);
        let old = self.nodes.get(&frontier.id);
        if old.is_some_and(|old| given.is_some_and(|given| given < old.incarnation)) {
            return Err(DirectoryError::Replaced);
        }
        let session = old.map_or(now, |old| now.max(old.session + 1));
        let incarnation =
            given.unwrap_or_else(|| old.map_or(session, |old| session.max(old.incarnation + 1)));
        let goes_on =
            old.is_some_and(|old| old.live_generation(now).is_some() && given == Some(old.incarnation));
        if !goes_on {
            self.expire(&frontier.id);
            self.nodes.insert(frontier.id.clone(), Node::new(frontier, session));
        }
        if let Some(node) = self.nodes.get_mut(&frontier.id) {
            if !goes_on || node.info != *frontier {
                let change = if node.draining { Change::FrontierDraining } else { Change::FrontierOnline };
                self.history.push(change(frontier.clone()));
            }
            node.away = false;
            node.info = frontier.clone();
            node.incarnation = incarnation;
            node.session = session;
            node.snapshot = None;
            node.alive_until = now + micros(self.lifetimes.alive);
        }
        Ok(Lease::new(frontier.id.clone(), incarnation, session, 0))
    }

    /// The frontier of the lease, and its generation.
    pub(super) fn leased(&mut self, lease: &Lease) -> Result<(&mut Node, u64), DirectoryError> {
        let now = self.now;
        let node = self.nodes.get_mut(lease.frontier()).filter(|node| node.session == lease.session());
        let node = node.ok_or(DirectoryError::Lost)?;
        let generation = node.live_generation(now).ok_or(DirectoryError::Lost)?;
        Ok((node, generation))
    }

    pub(super) fn refresh(&mut self, lease: &Lease) -> Result<(), DirectoryError> {
        let until = self.now + micros(self.lifetimes.alive);
        self.leased(lease)?.0.alive_until = until;
        Ok(())
    }

    pub(super) fn mark(&mut self, lease: &Lease, mark: Mark) -> Result<(), DirectoryError> {
        let node = self.leased(lease)?.0;
        match mark {
            Mark::Away => node.away = true,
            Mark::Forwarding => node.forwarding = true,
            Mark::Draining if node.draining => {}
            Mark::Draining => {
                node.draining = true;
                let info = node.info.clone();
                self.history.push(Change::FrontierDraining(info));
            }
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, lease: &Lease) {
        if self.leased(lease).is_ok() {
            self.expire(lease.frontier());
        }
    }

    pub(super) fn sweep(&mut self) -> usize {
        let now = self.now;
        let gone = self
            .nodes
            .iter()
            .filter(|(_, node)| node.generation.is_some() && node.live_generation(now).is_none());
        let gone: Vec<String> = gone.map(|(id, _)| id.clone()).collect();
        gone.iter().for_each(|id| self.expire(id));
        let kept = micros(self.lifetimes.service_meta);
        self.nodes.retain(|_, node| node.generation.is_some() || node.alive_until + kept > now);
        for _ in 0..MAX_RECORDS_PER_SWEEP {
            let Some(&(_, kind, id)) = self.expiries.front().filter(|(when, ..)| *when <= now) else {
                break;
            };
            self.expiries.pop_front();
            let over = self.records.get(&(kind, id)).is_some_and(|record| record.keep_until <= now);
            if over && self.living((kind, id)).is_none() {
                self.records.remove(&(kind, id));
            }
        }
        gone.len()
    }

    /// The record, if it and its frontier live.
    pub(super) fn living(&self, id: (Kind, u64)) -> Option<&Record> {
        let record = self.records.get(&id).filter(|record| !record.ended)?;
        let generation = self.nodes.get(&record.frontier)?.live_generation(self.now)?;
        (record.generation == generation).then_some(record)
    }

    /// Has the record removed once late reports of it no longer matter.
    pub(super) fn schedule_expiry(&mut self, kind: Kind, id: u64) {
        let kept = match kind {
            Kind::Edge => self.lifetimes.edge_meta,
            Kind::Service => self.lifetimes.service_meta,
        };
        let until = self.now + micros(kept);
        if let Some(record) = self.records.get_mut(&(kind, id)) {
            record.keep_until = until;
            self.expiries.push_back((until, kind, id));
        }
    }

    /// How many records wait to be removed.
    #[cfg(test)]
    pub(super) fn expiries(&self) -> usize {
        self.expiries.len()
    }

    /// Ends this generation of the frontier, and everything on it.
    fn expire(&mut self, frontier: &str) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(frontier).filter(|node| node.generation.is_some()) else {
            return;
        };
        node.generation = None;
        node.alive_until = node.alive_until.min(now);
        node.names.clear();
        for (kind, ids) in std::mem::take(&mut node.members) {
            ids.into_iter().for_each(|id| self.schedule_expiry(kind, id));
        }
        self.history.push(Change::FrontierOffline { frontier_id: frontier.to_owned() });
    }
}

impl Node {
    fn new(info: &NewFrontier, generation: u64) -> Self {
        Self {
            info: info.clone(),
            incarnation: 0,
            session: generation,
            generation: Some(generation),
            alive_until: 0,
            draining: false,
            away: false,
            forwarding: false,
            members: BTreeMap::new(),
            names: BTreeMap::new(),
            snapshot: None,
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 4)
}
