use std::time::{Duration, Instant};

/// How many intervals without a sign of life end a connection.
const PATIENCE: u32 = 3;

/// What a [`Heartbeat`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing until then.
    Wait(Instant),
    /// Send a ping now.
    Ping,
    /// The peer is gone: it has been silent for three intervals.
    Dead,
}

/// Liveness of the peer as the dialler sees it. Time is an argument.
///
/// A ping is due once per interval whatever else travels: it is the gateway's proof that the dialler
/// lives, and a dialler that only receives would give no other. The answer, or any other byte from
/// the peer, is the dialler's proof.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    interval: Duration,
    heard: Instant,
    next_ping: Instant,
}

impl Heartbeat {
    /// A peer that was heard from at `now` and is asked once per `interval`.
    #[must_use]
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, heard: now, next_ping: now + interval }
    }

    /// A sign of life came.
    pub fn heard(&mut self, now: Instant) {
        self.heard = self.heard.max(now);
    }

    /// What is due at `now`. After [`Beat::Ping`] the ping counts as sent.
    pub fn poll(&mut self, now: Instant) -> Beat {
        let dead_at = self.heard + Self::limit(self.interval);
        if now >= dead_at {
            return Beat::Dead;
        }
        if now >= self.next_ping {
            self.next_ping = now + self.interval;
            return Beat::Ping;
        }
        Beat::Wait(self.next_ping.min(dead_at))
    }

    /// The silence after which either side gives up on the other.
    #[must_use]
    pub fn limit(interval: Duration) -> Duration {
        interval * PATIENCE
    }
}
