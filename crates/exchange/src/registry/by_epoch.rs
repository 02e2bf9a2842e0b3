//! Connections in the order in which they came.

use crate::Peer;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// Connections by their epochs, which tell when they came. One lock for all of them, held for one change or one slice.
#[derive(Debug, Default)]
pub(crate) struct ByEpoch(Mutex<BTreeMap<u64, Arc<Peer>>>);

impl ByEpoch {
    pub(crate) fn add(&self, peer: &Arc<Peer>) {
        self.0.lock().insert(peer.epoch().0, peer.clone());
    }

    pub(crate) fn remove(&self, peer: &Peer) {
        self.0.lock().remove(&peer.epoch().0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// As many as `count` of them with epochs greater than `after`, the oldest first.
    pub(crate) fn some(&self, after: Option<u64>, count: usize) -> Vec<Arc<Peer>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.slice((start, Bound::Unbounded), false, count)
    }

    /// As many as `count` of those in `range`, the oldest or the newest first.
    pub(crate) fn slice(
        &self,
        range: impl RangeBounds<u64>,
        newest_first: bool,
        count: usize,
    ) -> Vec<Arc<Peer>> {
        if is_empty(&range) {
            return Vec::new();
        }
        let held = self.0.lock();
        let found = held.range(range).map(|(_, peer)| peer.clone());
        if newest_first { found.rev().take(count).collect() } else { found.take(count).collect() }
    }

    /// How many of `count` there are in `range`, from its oldest or its newest end, and the epoch of the last of them.
    pub(crate) fn pass_over(
        &self,
        range: impl RangeBounds<u64>,
        newest_first: bool,
        count: usize,
    ) -> (usize, Option<u64>) {
        if is_empty(&range) {
            return (0, None);
        }
        let held = self.0.lock();
        let epochs = held.range(range).map(|(epoch, _)| *epoch);
        let pass = |passed: (usize, Option<u64>), epoch| (passed.0 + 1, Some(epoch));
        let from = (0, None);
        if newest_first {
            epochs.rev().take(count).fold(from, pass)
        } else {
            epochs.take(count).fold(from, pass)
        }
    }
}

/// A map of the standard library panics on such a range.
fn is_empty(range: &impl RangeBounds<u64>) -> bool {
    use Bound::{Excluded, Included, Unbounded};
    match (range.start_bound(), range.end_bound()) {
        (Unbounded, _) | (_, Unbounded) => false,
        (Included(start), Included(end)) => start > end,
        (Included(start) | Excluded(start), Included(end) | Excluded(end)) => start >= end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Bound::{Excluded, Included, Unbounded};

    #[test]
    fn no_range_panics() {
        let none = ByEpoch::default();
        let bounds = [Unbounded, Included(1), Excluded(1), Included(2), Excluded(2)];
        for (start, end) in bounds.iter().flat_map(|start| bounds.iter().map(move |end| (*start, *end))) {
            for newest_first in [false, true] {
                assert!(none.slice((start, end), newest_first, 9).is_empty());
                assert_eq!(none.pass_over((start, end), newest_first, 9), (0, None));
            }
        }
    }
}
