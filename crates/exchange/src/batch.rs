//! What many requests and replies share: one reading of the clock, one wake for each receiver, one count.

use crate::Peer;
use crate::counters::{Counters, Direction, Tally};
use crate::envelope::RequestKind;
use crate::outlet::{QueueError, Queued};
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Instant;

/// The requests and replies of one read, from [`Exchange::batch`](crate::Exchange::batch). Receivers are woken when it is
/// dropped, once each.
#[derive(Debug)]
pub struct Batch<'e> {
    counters: &'e Counters,
    wakes: SmallVec<[Arc<Peer>; 8]>,
    now: Option<Instant>,
    pub(crate) tally: Tally,
}

impl<'e> Batch<'e> {
    /// An empty one, counted in `counters`.
    pub(crate) fn new(counters: &'e Counters) -> Self {
        Self { counters, wakes: SmallVec::new(), now: None, tally: Tally::default() }
    }

    /// The time, read once for the whole batch.
    pub fn now(&mut self) -> Instant {
        *self.now.get_or_insert_with(Instant::now)
    }

    /// Notes that something was queued for `peer`, which is woken with the batch.
    ///
    /// # Errors
    /// As it was given.
    #[inline]
    pub fn queued(&mut self, peer: &Arc<Peer>, queued: Result<Queued, QueueError>) -> Result<(), QueueError> {
        if queued?.needs_wake {
            self.wakes.push(peer.clone());
        }
        Ok(())
    }

    /// Notes that a request was answered now that was routed at `begun`.
    #[inline]
    pub(crate) fn took(&mut self, kind: RequestKind, direction: Direction, begun: Instant) {
        let took = self.now().saturating_duration_since(begun);
        if let Some(run) = self.tally.took(kind, direction, took) {
            self.counters.add_run(&run);
        }
    }

    pub(crate) fn counters(&self) -> &'e Counters {
        self.counters
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for peer in self.wakes.drain(..) {
            peer.outlet().wake();
        }
        self.counters.add(&self.tally);
    }
}
