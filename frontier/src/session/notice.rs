use crate::peer::Peer;
use frontier_protocol::{Code, GoAway};
use frontier_transport::Priority;
use rand::seq::SliceRandom;
use std::time::Duration;
use tokio::time::Instant;

/// How many other gateways one peer is told of.
const ALTERNATIVES: usize = 8;

/// What the peers of one side are told when the gateway drains.
#[derive(Debug)]
pub(crate) struct Notice {
    /// When the gateway closes what is left.
    until: Instant,
    /// Where they may go, as URLs.
    alternatives: Vec<String>,
}

impl Notice {
    pub(crate) fn new(until: Instant, alternatives: Vec<String>) -> Self {
        Self { until, alternatives }
    }

    /// Asks `peer` to go elsewhere after `delay`.
    pub(crate) fn tell(&self, peer: &Peer, delay: Duration) {
        let mut alternatives: Vec<&str> = self.alternatives.iter().map(String::as_str).collect();
        // Each peer tries them in another order, so that they share the load.
        let (alternatives, _) = alternatives.partial_shuffle(&mut rand::rng(), ALTERNATIVES);
        let left = self.until.saturating_duration_since(Instant::now());
        let notice = GoAway {
            delay_ms: millis(delay),
            alternatives: alternatives.to_vec(),
            ..GoAway::new(Code::Draining, millis(left), "the gateway is stopping")
        };
        // A peer whose link is closed is on its way out already.
        let _ = peer.link.send(Priority::Answer, |out| notice.encode(out));
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
