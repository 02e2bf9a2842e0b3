//! Choosing one among the services that take the same name.

mod affinity;
mod gateways;

pub(crate) use affinity::Affinity;

use crate::Peer;
use crate::hash::{hash_ip, scatter};
use crate::registry::{Candidate, Candidates};
use frontier_protocol::EdgeId;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How one service is chosen among those that take the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// By the EdgeID: an edge stays with its service, and another service takes only its share.
    #[default]
    EdgeId,
    /// By the address of the edge, in the same way; one without an address by its EdgeID.
    SrcIp,
    /// Any.
    Random,
    /// One after the other.
    RoundRobin,
    /// The one with the fewest calls and messages in flight.
    LeastInflight,
}

/// Services that were tried for one request already.
pub(crate) type Tried = SmallVec<[Arc<Peer>; 2]>;

/// The edge for whose request a service is chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chooser<'a> {
    pub(crate) id: EdgeId,
    pub(crate) ip: Option<IpAddr>,
    /// What was chosen for it before, if it is there to remember.
    pub(crate) affinity: Option<&'a Affinity>,
}

impl<'a> Chooser<'a> {
    /// The edge `id`, which is online.
    pub(crate) fn online(edge: &'a Peer, id: EdgeId) -> Self {
        Self { id, ip: edge.ip(), affinity: Some(&edge.affinity) }
    }
}

/// The strategy, and what it remembers.
#[derive(Debug)]
pub(crate) struct Balancer {
    strategy: Balance,
    turn: AtomicUsize,
}

impl Balancer {
    pub(crate) fn new(strategy: Balance) -> Self {
        Self { strategy, turn: AtomicUsize::new(0) }
    }

    /// The service for a request of an edge, among those that are online and not in `tried`.
    pub(crate) fn choose<'a>(
        &self,
        candidates: &'a Candidates,
        edge: Chooser<'_>,
        tried: &Tried,
    ) -> Option<&'a Arc<Peer>> {
        let is_free = |candidate: &Candidate| {
            candidate.service.is_online()
                && !tried.iter().any(|service| Arc::ptr_eq(service, &candidate.service))
        };
        if let [only] = &**candidates {
            return is_free(only).then_some(&only.service);
        }
        let by_id = || scatter(edge.id.0);
        let chosen = match self.strategy {
            Balance::EdgeId => lasting(candidates, by_id, edge.affinity, is_free),
            Balance::SrcIp => {
                lasting(candidates, || edge.ip.map_or_else(by_id, hash_ip), edge.affinity, is_free)
            }
            Balance::Random => from(candidates, rand::random_range(0..candidates.len().max(1)), is_free),
            Balance::RoundRobin => from(candidates, self.turn.fetch_add(1, Ordering::Relaxed), is_free),
            Balance::LeastInflight => candidates
                .iter()
                .filter(|candidate| is_free(candidate))
                .min_by_key(|candidate| candidate.service.in_flight()),
        };
        chosen.map(|candidate| &candidate.service)
    }
}

/// The candidate on which [`rendezvous`] falls, remembered from the last time if that can be.
fn lasting<'a>(
    candidates: &'a Candidates,
    key: impl Fn() -> u64,
    affinity: Option<&Affinity>,
    is_free: impl Fn(&Candidate) -> bool,
) -> Option<&'a Candidate> {
    let recalled = affinity.and_then(|affinity| affinity.recall(candidates.number()));
    if let Some(chosen) = recalled.and_then(|place| candidates.get(place))
        && is_free(chosen)
    {
        return Some(chosen);
    }
    let (place, is_first) = rendezvous(candidates, key(), is_free)?;
    // The second best stands in for as long as the best is not free, and no longer.
    if is_first && let Some(affinity) = affinity {
        affinity.remember(candidates.number(), place);
    }
    candidates.get(place)
}

/// The place of the candidate with the highest weight for `key` of those that are free, and whether none
/// weighs more. When one more comes, only the keys for which it weighs most move, and they move to it.
///
/// The weights need nothing but the table itself; only the winner's state is looked at, and the
/// search starts anew without it if it is not free.
fn rendezvous(
    candidates: &[Candidate],
    key: u64,
    is_free: impl Fn(&Candidate) -> bool,
) -> Option<(usize, bool)> {
    let weight = |candidate: &Candidate| scatter(key ^ candidate.hash);
    let mut below = u64::MAX;
    loop {
        let winner = candidates
            .iter()
            .enumerate()
            .map(|(place, candidate)| (weight(candidate), place))
            .filter(|(weight, _)| *weight < below)
            .max_by_key(|(weight, _)| *weight);
        let (weight, place) = winner?;
        if is_free(&candidates[place]) {
            return Some((place, below == u64::MAX));
        }
        below = weight;
    }
}

/// The first that is free from `start` on, round the table.
fn from(candidates: &[Candidate], start: usize, is_free: impl Fn(&Candidate) -> bool) -> Option<&Candidate> {
    let (before, after) = candidates.split_at(start % candidates.len().max(1));
    after.iter().chain(before).find(|candidate| is_free(candidate))
}

#[cfg(test)]
mod tests;
