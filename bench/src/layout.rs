//! The edges that the measurement of the directory has on paper: how many, at which frontier, under which id.

use serde::{Deserialize, Serialize};

/// How many frontiers there are, and how many edges are online at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub(crate) frontiers: u32,
    pub(crate) edges: u32,
}

/// The edges of one frontier, by slot: first those that stay, then twice as many as turn, of which one half is
/// online. When the first of that half leaves, the one behind its last comes, around and around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    number: u32,
    /// Online all the time.
    pub(crate) staying: u32,
    /// Online at a time of those that come and go.
    pub(crate) turning: u32,
}

impl Layout {
    pub(crate) fn shares(self) -> impl Iterator<Item = Share> {
        (0..self.frontiers).map(move |number| self.share(number))
    }

    pub(crate) fn share(self, number: u32) -> Share {
        let online = self.edges / self.frontiers + u32::from(number < self.edges % self.frontiers);
        let turning = (online / TURNING_PORTION).max(1);
        Share { number, staying: online - turning, turning }
    }
}

impl Share {
    /// The frontier's name.
    pub(crate) fn frontier(self) -> String {
        format!("bench-{}", self.number)
    }

    pub(crate) fn online(self) -> u32 {
        self.staying + self.turning
    }

    pub(crate) fn slots(self) -> u32 {
        self.staying + 2 * self.turning
    }

    /// The edge in a slot.
    pub(crate) fn id(self, slot: u32) -> u64 {
        (u64::from(self.number) + 1) << 32 | u64::from(slot)
    }

    /// The slots whose edges leave and come with the `turn`-th change.
    pub(crate) fn turn(self, turn: u64) -> (u32, u32) {
        let ring = u64::from(2 * self.turning);
        // What is below a u32 fits one.
        let slot = |turn: u64| self.staying + u32::try_from(turn % ring).unwrap_or_default();
        (slot(turn), slot(turn + u64::from(self.turning)))
    }
}

/// One of so many edges comes and goes.
const TURNING_PORTION: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_edge_is_at_one_frontier() {
        let layout = Layout { frontiers: 3, edges: 100 };
        assert_eq!(layout.shares().map(Share::online).sum::<u32>(), 100);
        let ids: HashSet<u64> =
            layout.shares().flat_map(|share| (0..share.slots()).map(move |slot| share.id(slot))).collect();
        assert_eq!(ids.len(), layout.shares().map(|share| share.slots() as usize).sum::<usize>());
    }

    #[test]
    fn as_many_come_as_go() {
        let share = Layout { frontiers: 1, edges: 10 }.share(0);
        let mut online: HashSet<u32> = (0..share.online()).collect();
        for turn in 0..50 {
            let (leaves, comes) = share.turn(turn);
            assert!(online.remove(&leaves) && online.insert(comes), "turn {turn}");
            assert!((0..share.staying).all(|slot| online.contains(&slot)));
        }
        assert_eq!(online.len(), 10);
    }
}
