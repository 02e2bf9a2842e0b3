//! What ends by itself: messages whose time is over, and the patience with a broker that does not answer.

use super::{Entry, Pending, State};
use crate::{Cause, SendError};
use frontier_config::format_duration;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::Instant;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(20);

/// How much later than its messages a silent broker is given up: they have ended by their own deadlines then.
const GRACE: Duration = Duration::from_millis(100);

impl Pending {
    /// Ends what is over its deadline, for as long as it is polled.
    pub(crate) async fn keep_deadlines(&self) -> Infallible {
        loop {
            tokio::time::sleep(TICK).await;
            self.expire(Instant::now());
        }
    }

    /// Waits until the broker has owed an answer for too long.
    pub(crate) async fn silence(&self) {
        loop {
            tokio::time::sleep(TICK).await;
            let since = {
                let state = self.state.lock();
                // It has said why it does not answer.
                state.silent_since.filter(|_| state.blocked.is_none())
            };
            if since.is_some_and(|since| since.elapsed() >= self.bounds.timeout + GRACE) {
                return;
            }
        }
    }

    /// Ends those whose time is over at `now`.
    pub(crate) fn expire(&self, now: Instant) {
        let (waiting, flying, away, blocked) = {
            let mut state = self.state.lock();
            if state.next_deadline.is_none_or(|next| next > now) {
                return;
            }
            let State { waiting, in_flight, away, blocked, .. } = &mut *state;
            let mut late = Vec::new();
            let mut kept = VecDeque::with_capacity(waiting.len());
            for (number, entry) in std::mem::take(waiting) {
                // One that is kept goes nowhere else, and what is behind it would overtake it.
                if entry.deadline <= now && !self.is_kept {
                    late.push(entry);
                } else {
                    kept.push_back((number, entry));
                }
            }
            *waiting = kept;
            let flying: Vec<Entry> =
                in_flight.extract_if(.., |_, entry| entry.deadline <= now).map(|(_, it)| it).collect();
            let (away, blocked) = (away.clone(), blocked.clone());
            let waiting = state.waiting.iter().map(|(_, it)| it).filter(|_| !self.is_kept);
            let deadlines = waiting.chain(state.in_flight.values());
            state.next_deadline = deadlines.map(|entry| entry.deadline).min();
            (late, flying, away, blocked)
        };
        self.end_all(waiting, |entry| match (&away, &blocked) {
            (Some(away), _) => self.not_connected(away),
            (None, Some(blocked)) => self.blocked(blocked),
            (None, None) => {
                let took = format_duration(entry.took(now));
                let text = format!("{}: not sent within {took}: the broker is too slow", self.name);
                SendError::new(Cause::Deadline, text)
            }
        });
        self.end_all(flying, |entry| {
            // One that is kept has perhaps waited for long before it was sent, from when on it has its time.
            let since = if self.is_kept { entry.deadline.checked_sub(self.bounds.timeout) } else { None };
            let took = now.saturating_duration_since(since.unwrap_or(entry.came));
            let took = format_duration(took);
            let text = format!("{}: no answer within {took}; the broker may have the message", self.name);
            SendError::new(Cause::Unanswered, text)
        });
    }
}
