//! How a connection ends in good order.

use super::Connection;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// How often a connection that is closing checks whether its streams have ended.
const STREAM_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Where a connection is between its start and its end in good order.
///
/// ```text
/// Open ── the user closes ──────▶ Closing ── answered and idle, or too late ──▶ over
///    │                                  ▲
///    ├── the gateway drains ──▶ Draining ── too late ────────────────────────────▶ over
///    │                          ▲   ├── another connection has taken its place ──▶ Closing
///    │                          │   └── the gateway says its last word ──▶ Parting ── idle, or too late ──▶ over
///    └── the gateway asks ──▶ MoveRequested ─── another connection has taken its place ──▶ Closing
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifecycle {
    Open,
    /// The gateway asked the client to move. It stays itself, and nothing ends here unless the client moves.
    MoveRequested {
        /// When the connection is over at the latest, once another one has taken its place.
        until: Instant,
    },
    /// The gateway said `GoAway`. Everything goes on here, for want of another connection.
    Draining {
        until: Instant,
    },
    /// The gateway said its last `GoAway`, though there is no other connection: what is in flight comes to its end,
    /// and nothing new begins.
    Parting {
        until: Instant,
    },
    /// We said `GoAway`. The gateway's own says that nothing more will come.
    Closing {
        until: Instant,
        answered: bool,
        /// For another connection, so streams are waited for as well. Else the user closes.
        replaced: bool,
    },
}

impl Lifecycle {
    /// The user closes. Whether `GoAway` is to be sent.
    pub(super) fn close(&mut self, by: Instant) -> bool {
        match self {
            Self::Open | Self::MoveRequested { .. } | Self::Draining { .. } => {
                *self = Self::Closing { until: by, answered: false, replaced: false };
                true
            }
            Self::Parting { until } => {
                *self = Self::Closing { until: by.min(*until), answered: true, replaced: false };
                true
            }
            Self::Closing { until, replaced, .. } => {
                // `GoAway` was sent already. Only the deadline is another one.
                *until = by.min(*until);
                *replaced = false;
                false
            }
        }
    }

    /// Another connection has taken the place of this one. When it is to be over, if `GoAway` is to be
    /// sent.
    pub(super) fn replace(&mut self) -> Option<Instant> {
        let (Self::MoveRequested { until } | Self::Draining { until }) = *self else { return None };
        *self = Self::Closing { until, answered: false, replaced: true };
        Some(until)
    }

    /// Whether another connection may take the place of this one.
    pub(super) fn may_be_replaced(&self) -> bool {
        matches!(self, Self::MoveRequested { .. } | Self::Draining { .. })
    }

    /// The gateway asks the client to move. Whether it may.
    pub(super) fn move_requested(&mut self, until: Instant) -> bool {
        let stays = matches!(self, Self::Open | Self::MoveRequested { .. });
        if stays {
            *self = Self::MoveRequested { until };
        }
        stays
    }

    /// The gateway said `GoAway`: its last one, or that it will end the connection by `by`. Whether
    /// that is news.
    pub(super) fn go_away_received(&mut self, by: Instant, is_last: bool) -> bool {
        match self {
            Self::Open | Self::MoveRequested { .. } => {
                *self = Self::Draining { until: by };
                true
            }
            Self::Draining { until } | Self::Parting { until } => {
                *until = by.min(*until);
                false
            }
            Self::Closing { answered, .. } => {
                *answered |= is_last;
                false
            }
        }
    }

    /// The gateway said its last `GoAway`. Whether nothing new may begin here for that reason: it may have been
    /// asked for.
    pub(super) fn last_word(&mut self, until: Instant) -> bool {
        let is_news = !matches!(self, Self::Parting { .. } | Self::Closing { .. });
        if is_news {
            *self = Self::Parting { until };
        }
        is_news
    }

    /// Whether the user wants the connection to end, and has said so to the gateway.
    pub(super) fn is_closing(&self) -> bool {
        matches!(self, Self::Closing { replaced: false, .. })
    }

    /// When to check again.
    pub(super) fn next_poll(&self, now: Instant) -> Option<Instant> {
        match *self {
            Self::Open | Self::MoveRequested { .. } => None,
            Self::Parting { until } | Self::Closing { until, replaced: true, .. } => {
                Some(until.min(now + STREAM_POLL_INTERVAL))
            }
            Self::Draining { until } | Self::Closing { until, .. } => Some(until),
        }
    }

    /// Whether it is over. Unless the user closes, no request can be sent there then.
    pub(super) fn is_over(&self, connection: &Connection, now: Instant) -> bool {
        let is_sealed = || connection.link.streams() == 0 && is_idle(connection) && connection.seal();
        match *self {
            Self::Open | Self::MoveRequested { .. } => false,
            Self::Draining { until } => now >= until,
            Self::Parting { until } => now >= until || is_sealed(),
            Self::Closing { until, answered, replaced } => {
                let is_done = || if replaced { is_sealed() } else { is_idle(connection) };
                now >= until || (answered && is_done())
            }
        }
    }
}

/// Whether nothing goes on. The end of anything wakes the connection's task from now on.
fn is_idle(connection: &Connection) -> bool {
    connection.is_watched.store(true, Ordering::SeqCst);
    connection.is_idle()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times() -> [Instant; 2] {
        let now = Instant::now();
        [now + Duration::from_secs(1), now + Duration::from_secs(2)]
    }

    #[test]
    fn a_connection_that_was_replaced_says_go_away_once_and_waits_for_the_last_one() {
        let [soon, late] = times();
        let mut lifecycle = Lifecycle::Open;
        assert_eq!(lifecycle.replace(), None, "nobody has asked it to move");
        assert!(lifecycle.go_away_received(late, false));
        assert!(!lifecycle.go_away_received(late, false), "it knows");
        assert_eq!(lifecycle.replace(), Some(late));
        assert_eq!(lifecycle.replace(), None);
        assert!(!lifecycle.go_away_received(soon, false));
        let waiting = Lifecycle::Closing { until: late, answered: false, replaced: true };
        assert_eq!(lifecycle, waiting, "that it drains is not the last one");
        lifecycle.go_away_received(soon, true);
        assert_eq!(lifecycle, Lifecycle::Closing { until: late, answered: true, replaced: true });
        // The user closes in the end: with a shorter deadline, and without a second `GoAway`.
        assert!(!lifecycle.close(soon));
        assert_eq!(lifecycle, Lifecycle::Closing { until: soon, answered: true, replaced: false });
    }

    #[test]
    fn a_connection_that_is_only_asked_to_go_does_not_end_by_itself() {
        let [soon, late] = times();
        let mut lifecycle = Lifecycle::Open;
        assert!(lifecycle.move_requested(soon) && lifecycle.move_requested(late), "any number of times");
        assert_eq!((lifecycle.next_poll(late), lifecycle.is_closing()), (None, false));
        let mut replaced = lifecycle;
        assert_eq!(replaced.replace(), Some(late));
        assert!(!replaced.move_requested(soon), "it goes");
        assert!(lifecycle.go_away_received(soon, false), "that the gateway drains is news");
        assert!(!lifecycle.move_requested(late));
        assert_eq!(lifecycle, Lifecycle::Draining { until: soon });
    }

    #[test]
    fn a_last_word_that_nobody_asked_for_lets_what_is_in_flight_end() {
        let [soon, late] = times();
        for before in
            [Lifecycle::Open, Lifecycle::MoveRequested { until: late }, Lifecycle::Draining { until: late }]
        {
            let mut lifecycle = before;
            assert!(lifecycle.last_word(late), "{before:?}");
            assert!(!lifecycle.last_word(soon), "it knows");
            assert_eq!(lifecycle, Lifecycle::Parting { until: late });
            assert!(!lifecycle.may_be_replaced() && !lifecycle.move_requested(soon));
            assert!(!lifecycle.go_away_received(soon, true));
            assert_eq!(lifecycle, Lifecycle::Parting { until: soon });
            assert!(lifecycle.close(late), "the gateway is told");
            assert_eq!(lifecycle, Lifecycle::Closing { until: soon, answered: true, replaced: false });
            assert!(!lifecycle.last_word(late));
        }
    }

    #[test]
    fn a_user_who_closes_while_the_gateway_drains_says_so() {
        let [soon, late] = times();
        let mut lifecycle = Lifecycle::Draining { until: late };
        assert!(lifecycle.close(soon) && lifecycle.is_closing());
        assert_eq!(lifecycle, Lifecycle::Closing { until: soon, answered: false, replaced: false });
        assert_eq!(lifecycle.replace(), None);
    }
}
