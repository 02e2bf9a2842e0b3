//! What was last chosen for an edge.

use crate::registry::{Candidate, Candidates};
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
    /// The choice from this list, if it is remembered.
    pub(super) fn recall<'a>(&self, list: &'a Candidates) -> Option<&'a Candidate> {
        let memory = self.slot(list).load(Ordering::Relaxed);
        let place = memory & ((1 << PLACE_BITS) - 1);
        (memory >> PLACE_BITS == list.number()).then(|| list.get(usize::try_from(place).ok()?)).flatten()
    }

    /// Remembers the choice from this list.
    pub(super) fn remember(&self, list: &Candidates, place: usize) {
        if place < 1 << PLACE_BITS {
            self.slot(list).store(list.number() << PLACE_BITS | place as u64, Ordering::Relaxed);
        }
    }

    fn slot(&self, list: &Candidates) -> &AtomicU64 {
        let number = usize::try_from(list.number()).unwrap_or_default();
        &self.0[number % LISTS]
    }
}
