//! What a session does where there is no room in its store.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Tells all sessions that there is no room: when it did so last.
pub(crate) type Pressure = Arc<watch::Sender<Option<Instant>>>;

/// How often all sessions are told at most.
const PRESSING: Duration = Duration::from_millis(250);

/// What a session knows of the room in its store.
pub(crate) struct Room {
    pressure: Pressure,
    /// It is kept with others, which may have what can be forgotten.
    is_shared: bool,
    /// How many bytes of fetched responses each client keeps where there is no room.
    pub(super) left: usize,
}

impl Room {
    pub(crate) fn new(pressure: Pressure, is_shared: bool, left: usize) -> Self {
        Self { pressure, is_shared, left }
    }

    /// Changes when there is no room, here or elsewhere.
    pub(super) fn pressure(&self) -> watch::Receiver<Option<Instant>> {
        self.pressure.subscribe()
    }

    /// There is none: others may have what can be forgotten as well.
    pub(super) fn tell(&self, now: Instant) {
        self.pressure.send_if_modified(|told_at| {
            let is_due =
                self.is_shared && told_at.is_none_or(|at| now.saturating_duration_since(at) >= PRESSING);
            *told_at = if is_due { Some(now) } else { *told_at };
            is_due
        });
    }
}
