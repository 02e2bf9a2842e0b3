//! Who takes what: methods, topics and names, each with the services that take it.

use super::draft::{Draft, Table};
use super::lists::Lists;
use super::name_map::NameMap;
use crate::Peer;
use crate::hash::scatter;
use frontier_protocol::ServiceId;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// A service that takes some name, and what choosing among several needs of it close at hand.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) service: Arc<Peer>,
    /// The service's id in the cluster, scattered: an edge is sent to the same service at every gateway.
    pub(crate) hash: u64,
}

/// The services that take the same name, in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    /// Tells this list apart from all others that there ever were.
    number: u64,
    list: Arc<[Candidate]>,
}

impl Candidates {
    /// Tells the list apart from all others that there ever were; never 0.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// One that there was before.
    pub(super) fn known(number: u64, list: Arc<[Candidate]>) -> Self {
        Self { number, list }
    }

    pub(super) fn downgrade(&self) -> Weak<[Candidate]> {
        Arc::downgrade(&self.list)
    }
}

impl Deref for Candidates {
    type Target = [Candidate];

    fn deref(&self) -> &[Candidate] {
        &self.list
    }
}

impl FromIterator<Candidate> for Candidates {
    fn from_iter<I: IntoIterator<Item = Candidate>>(candidates: I) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Self { number, list: candidates.into_iter().collect() }
    }
}

/// Who takes what: a snapshot, swapped whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    pub(super) methods: NameMap<Candidates>,
    pub(super) topics: NameMap<Candidates>,
    pub(super) names: NameMap<Candidates>,
}

impl Routes {
    fn table(&self, table: Table) -> &NameMap<Candidates> {
        match table {
            Table::Methods => &self.methods,
            Table::Topics => &self.topics,
            Table::Names => &self.names,
        }
    }

    /// How many methods, topics and names are taken.
    pub(crate) fn len_by_kind(&self) -> [usize; 3] {
        [&self.methods, &self.topics, &self.names].map(NameMap::len)
    }

    /// The services that registered the method.
    pub(crate) fn method(&self, method: &str) -> Option<&Candidates> {
        self.methods.get(method)
    }

    /// The services that receive the topic; if none does, those that receive `*`.
    pub(crate) fn topic(&self, topic: &str) -> Option<&Candidates> {
        self.topics.get(topic).or_else(|| self.topics.get(frontier_protocol::CATCH_ALL))
    }

    /// The services of that name.
    pub(crate) fn name(&self, name: &str) -> Option<&Candidates> {
        self.names.get(name)
    }
}

impl Candidate {
    /// At the gateway of this id; `None` if it is part of no cluster.
    pub(crate) fn new(service: Arc<Peer>, gateway: Option<&str>) -> Self {
        let own = ServiceId(service.number());
        let hash = scatter(gateway.map_or(own, |gateway| own.at(gateway)).0);
        Self { service, hash }
    }
}

/// The name as it is kept, or a new one.
pub(super) fn kept(draft: &mut Draft, table: Table, name: &str) -> Arc<str> {
    draft.routes().table(table).entry(name).map_or_else(|| name.into(), |(name, _)| name.clone())
}

/// Adds `candidate` to the takers of `name`; one that was there already stays where it was.
pub(super) fn add(
    draft: &mut Draft,
    table: Table,
    name: &Arc<str>,
    candidate: &Candidate,
    lists: &mut Lists,
) {
    let takers = draft.routes().table(table).get(name).cloned();
    let is_there = |it: &Candidate| Arc::ptr_eq(&it.service, &candidate.service);
    if !takers.as_ref().is_some_and(|takers| takers.iter().any(is_there)) {
        draft.set(table, name.clone(), Some(lists.with(takers.as_ref(), candidate)));
    }
}

/// Takes `service` off the takers of `name`.
pub(super) fn remove(draft: &mut Draft, table: Table, name: &str, service: &Arc<Peer>, lists: &mut Lists) {
    let Some((name, takers)) = draft.routes().table(table).entry(name).cloned() else { return };
    let rest = lists.without(&takers, service);
    if rest.as_ref().is_none_or(|rest| rest.number() != takers.number()) {
        draft.set(table, name, rest);
    }
}
