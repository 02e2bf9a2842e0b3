//! What the broker's coming and going does to messages.

use super::{Away, Entry, Pending};
use crate::{Cause, SendError};
use std::collections::{BTreeMap, VecDeque};
use tokio::time::Instant;

impl Pending {
    /// There is a connection.
    pub(crate) fn connected(&self) {
        self.metrics.connected();
        let mut state = self.state.lock();
        (state.away, state.blocked, state.silent_since) = (None, None, None);
        drop(state);
        self.waiting.notify_one();
    }

    /// The connection was lost. What was in flight goes out again where the broker recognizes it.
    pub(crate) fn lost(&self, cause: &str, recognizes: bool) {
        self.metrics.lost();
        let away = Away { since: Instant::now(), cause: cause.into() };
        let (flying, waiting) = {
            let mut state = self.state.lock();
            state.away = Some(away.clone());
            state.blocked = None;
            let flying = std::mem::take(&mut state.in_flight);
            state.silent_since = None;
            if self.is_kept {
                (flying, std::mem::take(&mut state.waiting))
            } else if recognizes {
                self.metrics.repeat(flying.len());
                Self::wait_again(&mut state, flying.into_iter().collect());
                (BTreeMap::new(), VecDeque::new())
            } else {
                (flying, VecDeque::new())
            }
        };
        self.end_lost(flying, cause);
        self.end_all(waiting.into_iter().map(|(_, entry)| entry), |_| self.not_connected(&away));
    }

    /// What is in flight is lost, as far as anybody knows.
    #[cfg(feature = "nats")]
    pub(crate) fn give_up(&self, cause: &str) {
        let flying = std::mem::take(&mut self.state.lock().in_flight);
        self.end_lost(flying, cause);
    }

    fn end_lost(&self, flying: BTreeMap<u64, Entry>, cause: &str) {
        let name = self.name;
        let text = format!(
            "{name}: the connection was lost before the broker answered ({cause}); it may have the message"
        );
        self.end_all(flying.into_values(), |_| SendError::new(Cause::Lost, text.clone()));
    }

    /// There is still no connection, because of that.
    pub(crate) fn not_yet(&self, cause: &str) {
        if let Some(away) = &mut self.state.lock().away {
            away.cause = cause.into();
        }
    }

    /// The broker would not take any of those that wait.
    #[cfg(feature = "amqp")]
    pub(crate) fn refuse_waiting(&self, error: &SendError) {
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        self.end_all(waiting.into_iter().map(|(_, entry)| entry), |_| error.clone());
    }

    /// The broker takes nothing for now, because of that; or it does again. It owes no answers meanwhile.
    #[cfg(feature = "amqp")]
    pub(crate) fn set_blocked(&self, cause: Option<&str>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.blocked = cause.map(|cause| Away { since: now, cause: cause.into() });
        state.silent_since = (!state.in_flight.is_empty()).then_some(now);
        if let Some(it) = state.blocked.clone().filter(|_| self.is_kept) {
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            self.end_all(waiting.into_iter().map(|(_, entry)| entry), |_| self.blocked(&it));
        }
    }
}
