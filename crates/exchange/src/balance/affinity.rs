//! What was last chosen for an edge.

use std::sync::atomic::{AtomicU64, Ordering};

/// Lists of services for which a choice is remembered.
const LISTS: usize = 4;

/// Bits of a place in a list. What stands farther behind is not remembered.
const PLACE_BITS: u32 = 16;

/// What was last chosen for an edge from a few lists of services, so that it need not be computed for every
/// request: where an edge is always sent to the same service, its choice is as lasting as the list.
#[derive(Debug, Default)]
pub(crate) struct Affinity([AtomicU64; LISTS]);

impl Affinity {
    /// The place of the choice in the list of this number, if it is remembered.
    pub(super) fn recall(&self, list: u64) -> Option<usize> {
        let memory = self.slot(list).load(Ordering::Relaxed);
        let place = memory & ((1 << PLACE_BITS) - 1);
        if memory >> PLACE_BITS == list { usize::try_from(place).ok() } else { None }
    }

    /// Remembers the place of the choice in the list of this number.
    pub(super) fn remember(&self, list: u64, place: usize) {
        if place < 1 << PLACE_BITS {
            self.slot(list).store(list << PLACE_BITS | place as u64, Ordering::Relaxed);
        }
    }

    fn slot(&self, list: u64) -> &AtomicU64 {
        &self.0[usize::try_from(list).unwrap_or_default() % LISTS]
    }
}
