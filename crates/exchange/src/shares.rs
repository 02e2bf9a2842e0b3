//! Fair shares of a room that many askers use: whoever has much of it leaves the rest to the others.
//!
//! An asker gets more while it has less than [`FACTOR`] times what is free. One alone gets three quarters of the room;
//! of two, three sevenths each; of *n*, 3/(3*n*+1). So there is always a place for who has none, without a fixed part
//! for each of an unknown number of askers. (Dynamic thresholds: Choudhury and Hahne, 1998.)

use crate::envelope::Destination;
use crate::hash::scatter;
use crate::{Peer, RemoteCaller};
use ahash::AHashMap;
use frontier_protocol::EdgeId;
use std::collections::hash_map::Entry;

/// How many times what is free an asker may have.
const FACTOR: usize = 3;

/// Whether an asker that has so much gets more of a room in which so much is free.
#[inline]
pub(crate) fn has_share(held: usize, free: usize) -> bool {
    held < free.saturating_mul(FACTOR)
}

/// One of those who share: a connection, or one of the many that ask over the link of another gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asker(u64);

impl Asker {
    /// The peer itself.
    pub(crate) fn of(peer: &Peer) -> Self {
        Self(peer.epoch().0)
    }

    /// A service behind the link of another gateway.
    pub(crate) fn behind(gateway: &Peer, caller: &RemoteCaller) -> Self {
        Self(scatter(gateway.epoch().0 ^ scatter(caller.id.0)))
    }

    /// An edge behind the link of another gateway.
    pub(crate) fn edge_behind(gateway: &Peer, edge: EdgeId) -> Self {
        Self(scatter(gateway.epoch().0 ^ scatter(edge.0)))
    }

    /// Who stands behind a request of `requester`.
    #[inline]
    pub(crate) fn of_request(requester: &Peer, to: &Destination<'_>) -> Self {
        match to {
            Destination::LocalEdge { caller, .. } => Self::behind(requester, caller),
            Destination::LocalName { edge, .. } => Self::edge_behind(requester, edge.id),
            _ => Self::of(requester),
        }
    }
}

/// How much each asker has.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    by_asker: AHashMap<Asker, usize>,
    total: usize,
}

impl Holdings {
    pub(crate) fn add(&mut self, asker: Asker, count: usize) {
        *self.by_asker.entry(asker).or_default() += count;
        self.total += count;
    }

    pub(crate) fn take(&mut self, asker: Asker, count: usize) {
        if let Entry::Occupied(mut held) = self.by_asker.entry(asker) {
            self.total = self.total.saturating_sub(count);
            let left = held.get().saturating_sub(count);
            if left > 0 {
                held.insert(left);
            } else {
                held.remove();
            }
        }
    }

    pub(crate) fn of(&self, asker: Asker) -> usize {
        self.by_asker.get(&asker).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }
}

impl FromIterator<Asker> for Holdings {
    fn from_iter<I: IntoIterator<Item = Asker>>(askers: I) -> Self {
        let mut holdings = Self::default();
        askers.into_iter().for_each(|asker| holdings.add(asker, 1));
        holdings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives places away in turn until nobody gets one any more: what each has then.
    fn shared(room: usize, askers: usize) -> Vec<usize> {
        let mut held = vec![0; askers];
        loop {
            let before = held.clone();
            for asker in 0..askers {
                let free = room - held.iter().sum::<usize>();
                if free > 0 && has_share(held[asker], free) {
                    held[asker] += 1;
                }
            }
            if held == before {
                return held;
            }
        }
    }

    #[test]
    fn one_alone_gets_three_quarters_and_several_get_the_same_each() {
        assert_eq!(shared(1024, 1), [768]);
        assert_eq!(shared(1024, 2), [439, 439]);
        for askers in 1..100 {
            let held = shared(16_384, askers);
            let (least, most) = (held.iter().min().unwrap(), held.iter().max().unwrap());
            assert!(most - least <= 1 && *least >= 3 * 16_384 / (3 * askers + 1) - 1, "{held:?}");
        }
        assert_eq!([1, 2, 3, 4, 8].map(|room| shared(room, 1)[0]), [1, 2, 3, 3, 6]);
    }

    #[test]
    fn who_comes_late_gets_a_place_however_greedy_those_before_were() {
        let (mut taken, mut shares) = (0, Vec::new());
        for _ in 0..5 {
            let mut held = 0;
            while taken < 1024 && has_share(held, 1024 - taken) {
                (held, taken) = (held + 1, taken + 1);
            }
            shares.push(held);
        }
        assert_eq!(shares, [768, 192, 48, 12, 3]);
    }

    #[test]
    fn what_is_given_back_is_forgotten() {
        let mut holdings: Holdings = [Asker(1), Asker(2), Asker(1)].into_iter().collect();
        assert_eq!((holdings.of(Asker(1)), holdings.of(Asker(2)), holdings.total()), (2, 1, 3));
        holdings.take(Asker(1), 2);
        holdings.take(Asker(3), 1);
        assert_eq!((holdings.of(Asker(1)), holdings.total(), holdings.by_asker.len()), (0, 1, 1));
    }
}
