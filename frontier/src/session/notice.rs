mod alternatives;

pub(crate) use alternatives::Alternatives;

use crate::peer::Peer;
use frontier_protocol::{Code, GoAway};
use frontier_transport::Priority;
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

    /// Asks `peer` to go elsewhere after `delay`. `clock` is the gateway's own.
    pub(crate) fn tell(&self, peer: &Peer, delay: Duration, clock: u32) {
        peer.ask(clock);
        let alternatives = self.alternatives.next();
        let left = self.until.saturating_duration_since(Instant::now());
        let notice = GoAway {
            delay_ms: millis(delay),
            alternatives: alternatives.iter().map(|url| &**url).collect(),
            ..GoAway::new(Code::Draining, millis(left), "the gateway is stopping")
        };
        // A peer whose link is closed is on its way out already.
        let _ = peer.link.send(Priority::Answer, |out| notice.encode(out));
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
