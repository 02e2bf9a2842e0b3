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
/// ```text
///          heard             silent for 1 interval         silent for 3 intervals
///  ┌──────────────▶ Wait ────────────────────────▶ Ping ───────────────────────▶ Dead
///  └───────────────────────────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    interval: Duration,
    heard: Instant,
    pinged: Option<Instant>,
}

impl Heartbeat {
    /// A peer that was heard from at `now` and is asked once per `interval`.
    #[must_use]
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, heard: now, pinged: None }
    }

    /// A sign of life came.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
    }

    /// What is due at `now`. After [`Beat::Ping`] the ping counts as sent.
    pub fn poll(&mut self, now: Instant) -> Beat {
        let dead_at = self.heard + self.interval * PATIENCE;
        if now >= dead_at {
            return Beat::Dead;
        }
        let due = self.pinged.unwrap_or(self.heard) + self.interval;
        if now >= due {
            self.pinged = Some(now);
            return Beat::Ping;
        }
        Beat::Wait(due.min(dead_at))
    }

    /// The silence after which a gateway gives up on a dialler with this interval.
    #[must_use]
    pub fn limit(interval: Duration) -> Duration {
        interval * PATIENCE
    }
}
