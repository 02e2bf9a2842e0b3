use super::Connection;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// How often a connection that is ending looks whether its streams have ended.
const LOOK: Duration = Duration::from_millis(50);

/// How a connection ends in good order.
///
/// ```text
/// Staying ── the user closes ──────▶ Leaving ── answered and idle, or too late ──▶ over
///    │                                  ▲
///    ├── the gateway drains ──▶ Draining ── too late ────────────────────────────▶ over
///    │                          ▲   └── another connection has taken its place ──▶ Leaving
///    └── the gateway asks ──▶ Asked ─── another connection has taken its place ──▶ Leaving
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    Staying,
    /// The gateway asked the client to go elsewhere. It stays itself, and nothing ends here unless the client goes.
    Asked {
        /// When the connection is over at the latest, once another one has taken its place.
        until: Instant,
    },
    /// The gateway said `GoAway`. Everything goes on here, for want of another connection.
    Draining {
        until: Instant,
    },
    /// We said `GoAway`. The gateway's own says that nothing more will come.
    Leaving {
        until: Instant,
        answered: bool,
        /// For another connection, so streams are waited for as well. Else the user closes.
        replaced: bool,
    },
}

impl Farewell {
    /// The user closes. Whether `GoAway` is to be sent.
    pub(super) fn leave(&mut self, by: Instant) -> bool {
        match self {
            Self::Staying | Self::Asked { .. } | Self::Draining { .. } => {
                *self = Self::Leaving { until: by, answered: false, replaced: false };
                true
            }
            Self::Leaving { until, replaced, .. } => {
                // It was said already. Only the patience is another one.
                *until = by.min(*until);
                *replaced = false;
                false
            }
        }
    }

    /// Another connection has taken the place of this one. When it is to be over, if `GoAway` is to be
    /// sent.
    pub(super) fn replace(&mut self) -> Option<Instant> {
        let (Self::Asked { until } | Self::Draining { until }) = *self else { return None };
        *self = Self::Leaving { until, answered: false, replaced: true };
        Some(until)
    }

    /// Whether another connection may take the place of this one.
    pub(super) fn may_be_replaced(&self) -> bool {
        matches!(self, Self::Asked { .. } | Self::Draining { .. })
    }

    /// The gateway asks the client to go elsewhere. Whether it may.
    pub(super) fn asked(&mut self, until: Instant) -> bool {
        let stays = matches!(self, Self::Staying | Self::Asked { .. });
        if stays {
            *self = Self::Asked { until };
        }
        stays
    }

    /// The gateway said `GoAway`: its last word, or that it will end the connection by `by`. Whether
    /// that is news.
    pub(super) fn heard(&mut self, by: Instant, is_last: bool) -> bool {
        match self {
            Self::Staying | Self::Asked { .. } => {
                *self = Self::Draining { until: by };
                true
            }
            Self::Draining { until } => {
                *until = by.min(*until);
                false
            }
            Self::Leaving { answered, .. } => {
                *answered |= is_last;
                false
            }
        }
    }

    /// Whether the user wants the connection to end, and has said so to the gateway.
    pub(super) fn is_closing(&self) -> bool {
        matches!(self, Self::Leaving { replaced: false, .. })
    }

    /// When to look again.
    pub(super) fn next_look(&self, now: Instant) -> Option<Instant> {
        match *self {
            Self::Staying | Self::Asked { .. } => None,
            Self::Leaving { until, replaced: true, .. } => Some(until.min(now + LOOK)),
            Self::Draining { until } | Self::Leaving { until, .. } => Some(until),
        }
    }

    /// Whether it is over. With a connection that was replaced, nothing can be asked there then.
    pub(super) fn is_over(&self, connection: &Connection, now: Instant) -> bool {
        match *self {
            Self::Staying | Self::Asked { .. } => false,
            Self::Draining { until } => now >= until,
            Self::Leaving { until, answered, replaced } => {
                let is_done = || match replaced {
                    true => connection.link.streams() == 0 && is_idle(connection) && connection.seal(),
                    false => is_idle(connection),
                };
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
    fn a_connection_that_was_replaced_says_goodbye_once_and_waits_for_the_last_word() {
        let [soon, late] = times();
        let mut farewell = Farewell::Staying;
        assert_eq!(farewell.replace(), None, "nobody has asked it to go");
        assert!(farewell.heard(late, false));
        assert!(!farewell.heard(late, false), "it knows");
        assert_eq!(farewell.replace(), Some(late));
        assert_eq!(farewell.replace(), None);
        assert!(!farewell.heard(soon, false));
        let waiting = Farewell::Leaving { until: late, answered: false, replaced: true };
        assert_eq!(farewell, waiting, "that it drains is no last word");
        farewell.heard(soon, true);
        assert_eq!(farewell, Farewell::Leaving { until: late, answered: true, replaced: true });
        // The user closes in the end: with less patience, and not a second goodbye.
        assert!(!farewell.leave(soon));
        assert_eq!(farewell, Farewell::Leaving { until: soon, answered: true, replaced: false });
    }

    #[test]
    fn a_connection_that_is_only_asked_to_go_does_not_end_by_itself() {
        let [soon, late] = times();
        let mut farewell = Farewell::Staying;
        assert!(farewell.asked(soon) && farewell.asked(late), "any number of times");
        assert_eq!((farewell.next_look(late), farewell.is_closing()), (None, false));
        let mut replaced = farewell;
        assert_eq!(replaced.replace(), Some(late));
        assert!(!replaced.asked(soon), "it goes");
        assert!(farewell.heard(soon, false), "that the gateway drains is news");
        assert!(!farewell.asked(late));
        assert_eq!(farewell, Farewell::Draining { until: soon });
    }

    #[test]
    fn a_user_who_closes_while_the_gateway_drains_says_so() {
        let [soon, late] = times();
        let mut farewell = Farewell::Draining { until: late };
        assert!(farewell.leave(soon) && farewell.is_closing());
        assert_eq!(farewell, Farewell::Leaving { until: soon, answered: false, replaced: false });
        assert_eq!(farewell.replace(), None);
    }
}
