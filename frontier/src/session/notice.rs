//! What peers are told when the gateway drains.

mod alternatives;

pub(crate) use alternatives::Alternatives;

use frontier_exchange::{Departure, Peer};
use std::time::Duration;
use tokio::time::Instant;

/// What the peers of one side are told when the gateway drains.
#[derive(Debug)]
pub(crate) struct Notice {
    /// When the gateway closes what is left.
    until: Instant,
    /// Where they may go.
    alternatives: Alternatives,
}

impl Notice {
    pub(crate) fn new(until: Instant, alternatives: Alternatives) -> Self {
        Self { until, alternatives }
    }

    /// Whether there is anywhere to go that this knows of.
    pub(crate) fn names_others(&self) -> bool {
        !self.alternatives.is_empty()
    }

    /// Asks `peer` to go elsewhere after `delay`. `clock` is the exchange's.
    pub(crate) fn tell(&self, peer: &Peer, delay: Duration, clock: u32) {
        peer.note_asked_to_move(clock);
        let alternatives = self.alternatives.next();
        let alternatives: Vec<&str> = alternatives.iter().map(|url| &**url).collect();
        let departure = Departure {
            grace: self.until.saturating_duration_since(Instant::now()),
            delay,
            alternatives: &alternatives,
            stays: false,
            text: "the gateway is stopping",
        };
        // A peer whose link is closed is on its way out already.
        if peer.outlet().go_away(&departure).is_ok_and(|queued| queued.needs_wake) {
            peer.outlet().wake();
        }
    }
}
