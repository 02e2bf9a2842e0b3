//! Choosing one among the services that take the same name.

use crate::config::Balance;
use crate::peer::Peer;
use crate::registry::Candidate;
use frontier_protocol::EdgeId;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Services that were tried for one question already.
pub(crate) type Tried = SmallVec<[Arc<Peer>; 2]>;

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

    /// The service for a question of the edge `id` at `ip`, among those that are online and not in
    /// `tried`.
    pub(crate) fn choose<'a>(
        &self,
        candidates: &'a [Candidate],
        id: EdgeId,
        ip: IpAddr,
        tried: &Tried,
    ) -> Option<&'a Arc<Peer>> {
        let is_free = |candidate: &Candidate| {
            candidate.service.is_online()
                && !tried.iter().any(|service| Arc::ptr_eq(service, &candidate.service))
        };
        if let [only] = candidates {
            return is_free(only).then_some(&only.service);
        }
        let chosen = match self.strategy {
            Balance::EdgeId => rendezvous(candidates, scatter(id.0), is_free),
            Balance::SrcIp => rendezvous(candidates, hash_ip(ip), is_free),
            Balance::Random => from(candidates, rand::random_range(0..candidates.len().max(1)), is_free),
            Balance::RoundRobin => from(candidates, self.turn.fetch_add(1, Ordering::Relaxed), is_free),
            Balance::LeastInflight => candidates
                .iter()
                .filter(|candidate| is_free(candidate))
                .min_by_key(|candidate| candidate.service.calls.lock().in_flight()),
        };
        chosen.map(|candidate| &candidate.service)
    }
}

/// The candidate with the highest weight for `key`. When one more comes, only the keys for which it
/// weighs most move, and they move to it.
///
/// The weights need nothing but the table itself; only the winner's state is looked at, and the
/// search starts anew without it if it is not free.
fn rendezvous(
    candidates: &[Candidate],
    key: u64,
    is_free: impl Fn(&Candidate) -> bool,
) -> Option<&Candidate> {
    let weight = |candidate: &Candidate| scatter(key ^ candidate.hash);
    let mut below = u64::MAX;
    loop {
        let winner = candidates
            .iter()
            .map(|candidate| (weight(candidate), candidate))
            .filter(|(weight, _)| *weight < below)
            .max_by_key(|(weight, _)| *weight);
        let (weight, winner) = winner?;
        if is_free(winner) {
            return Some(winner);
        }
        below = weight;
    }
}

/// The first that is free from `start` on, round the table.
fn from(candidates: &[Candidate], start: usize, is_free: impl Fn(&Candidate) -> bool) -> Option<&Candidate> {
    let (before, after) = candidates.split_at(start % candidates.len().max(1));
    after.iter().chain(before).find(|candidate| is_free(candidate))
}

/// Spreads the bits of a number evenly (the finaliser of splitmix64).
pub(crate) fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn hash_ip(ip: IpAddr) -> u64 {
    let bits = match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    };
    #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
    scatter(scatter((bits >> 64) as u64) ^ bits as u64)
}

#[cfg(test)]
mod tests;
