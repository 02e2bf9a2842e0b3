//! What a sink takes: as much as its bounds allow, for as long as there is a broker.

use super::{Away, Pending, State};
use crate::{Bounds, Cause, SendError};
use std::time::Duration;

impl Pending {
    /// Counts bytes of a message that is still on its way here, and will have `len` of them.
    pub(crate) fn reserve(&self, bytes: usize, len: usize) -> Result<(), SendError> {
        let mut state = self.state.lock();
        let admitted = if self.is_kept { self.has_room(&state, bytes) } else { self.admit(&state, bytes) };
        let admitted = admitted.and_then(|()| self.could_hold(len));
        admitted.inspect_err(|error| self.metrics.fail(error.cause))?;
        state.bytes += bytes;
        Ok(())
    }

    /// Gives back what was reserved.
    pub(crate) fn release(&self, bytes: usize) {
        self.state.lock().bytes -= bytes;
    }

    pub(super) fn admit(&self, state: &State, size: usize) -> Result<(), SendError> {
        let name = self.name;
        if state.is_closing {
            return Err(SendError::new(Cause::Closing, format!("{name} takes no more: the gateway stops")));
        }
        let patience = if self.is_kept { Duration::ZERO } else { self.bounds.timeout };
        if let Some(away) = state.away.as_ref().filter(|away| away.since.elapsed() >= patience) {
            return Err(self.not_connected(away));
        }
        if let Some(it) = state.blocked.as_ref().filter(|it| it.since.elapsed() >= patience) {
            return Err(self.blocked(it));
        }
        self.has_room(state, size)
    }

    fn has_room(&self, state: &State, size: usize) -> Result<(), SendError> {
        let name = self.name;
        let Bounds { messages, bytes, .. } = self.bounds;
        self.could_hold(size)?;
        let held = state.waiting.len() + state.in_flight.len();
        let why = || {
            let away = state.away.as_ref().map(not_connected);
            away.or_else(|| state.blocked.as_ref().map(blocked))
                .map(|why| format!("; {why}"))
                .unwrap_or_default()
        };
        if held >= messages {
            let text = format!("{name} holds {held} messages, the most it may (max_inflight){}", why());
            return Err(SendError::new(Cause::Overloaded, text));
        }
        if state.bytes + size > bytes {
            let text = format!(
                "{name} holds {} of the {bytes} bytes that it may (max_inflight_size){}",
                state.bytes,
                why()
            );
            return Err(SendError::new(Cause::Overloaded, text));
        }
        Ok(())
    }

    fn could_hold(&self, size: usize) -> Result<(), SendError> {
        let (name, bytes) = (self.name, self.bounds.bytes);
        if size <= bytes {
            return Ok(());
        }
        let text = format!(
            "{name}: a message that counts for {size} bytes is over what all may (max_inflight_size, {bytes})"
        );
        Err(SendError::new(Cause::TooLarge, text))
    }

    pub(super) fn not_connected(&self, away: &Away) -> SendError {
        SendError::new(Cause::NotConnected, format!("{}: {}", self.name, not_connected(away)))
    }

    pub(super) fn blocked(&self, it: &Away) -> SendError {
        SendError::new(Cause::Busy, format!("{}: {}", self.name, blocked(it)))
    }
}

fn not_connected(away: &Away) -> String {
    format!("the broker is not connected for {:.1} s: {}", away.since.elapsed().as_secs_f64(), away.cause)
}

fn blocked(it: &Away) -> String {
    format!("the broker takes nothing since {:.1} s: {}", it.since.elapsed().as_secs_f64(), it.cause)
}
