//! Acknowledgements of streams, which wait a little for something else to go out with.
//!
//! Whoever accepts a stream answers on it soon, as a rule: one write instead of two, and one wake-up of the peer.

use super::Connection;
use crate::Bulk;
use std::time::{Duration, Instant};

/// How long they wait at most. hashicorp/yamux has 75 s of patience.
pub(super) const ACK_DELAY: Duration = Duration::from_millis(5);

/// How many wait at most: a peer opens no more than 256 streams that are not acknowledged.
const MAX_HELD: usize = 16;

/// Acknowledgements that wait.
#[derive(Debug)]
pub(super) struct HeldAcks {
    streams: Vec<u32>,
    /// When they go out alone.
    pub(super) due: Instant,
}

impl<W> Connection<W> {
    pub(super) fn hold_ack(&mut self, number: u32, now: impl FnOnce() -> Instant) {
        let none = || Box::new(HeldAcks { streams: Vec::new(), due: now() + ACK_DELAY });
        self.acks.get_or_insert_with(none).streams.push(number);
    }

    /// Acknowledgements are owed from now on, if something else goes out, or there are many, or they have waited.
    pub(super) fn owe_acks(&mut self, bulk: &Bulk, now: &impl Fn() -> Instant) {
        let Some(held) = &self.acks else { return };
        if held.streams.len() < MAX_HELD && !self.has_else(bulk) && now() < held.due {
            return;
        }
        let held = self.acks.take().map(|held| held.streams).unwrap_or_default();
        held.into_iter().for_each(|number| self.owe(number));
    }

    fn has_else(&self, bulk: &Bulk) -> bool {
        let lane = self.streams.get(self.lane);
        !bulk.is_over()
            || self.ping.is_some()
            || self.waits()
            || lane.is_some_and(|lane| !lane.queued.is_empty())
    }
}
