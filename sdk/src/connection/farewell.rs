use super::Connection;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// How often a connection that is ending looks whether its streams have ended.
const LOOK: Duration = Duration::from_millis(50);

/// How a connection ends in good order.
///
/// ```text
/// Staying ── the user closes ───────▶ Leaving ── answered, idle, or too late ──▶ over
///    └────── the gateway drains ──▶ Draining ── idle, or too late ─────────────▶ over
///                                      └── the user closes ──▶ Leaving
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    Staying,
    /// We said `GoAway`. The gateway's own says that nothing more will come.
    Leaving {
        until: Instant,
        answered: bool,
    },
    /// The gateway said `GoAway`: nothing new is asked here.
    Draining {
        until: Instant,
    },
}

impl Farewell {
    /// The user closes. Whether `GoAway` is to be sent.
    pub(super) fn leave(&mut self, until: Instant) -> bool {
        match *self {
            Self::Leaving { .. } => return false,
            Self::Staying => *self = Self::Leaving { until, answered: false },
            Self::Draining { .. } => *self = Self::Leaving { until, answered: true },
        }
        true
    }

    /// The gateway said `GoAway`. Whether it did so unasked.
    pub(super) fn heard(&mut self, until: Instant) -> bool {
        match self {
            Self::Staying => *self = Self::Draining { until },
            Self::Leaving { answered, .. } => *answered = true,
            Self::Draining { .. } => {}
        }
        matches!(self, Self::Draining { .. })
    }

    /// When to look again.
    pub(super) fn next_look(&self, now: Instant) -> Option<Instant> {
        match *self {
            Self::Staying => None,
            Self::Leaving { until, .. } => Some(until),
            Self::Draining { until } => Some(until.min(now + LOOK)),
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self, connection: &Connection, now: Instant) -> bool {
        match *self {
            Self::Staying => false,
            Self::Leaving { until, answered } => (answered && is_idle(connection)) || now >= until,
            Self::Draining { until } => {
                (is_idle(connection) && connection.link.streams() == 0) || now >= until
            }
        }
    }
}

/// Whether nothing goes on. The end of anything wakes the connection's task from now on.
fn is_idle(connection: &Connection) -> bool {
    connection.is_watched.store(true, Ordering::SeqCst);
    connection.is_idle()
}
