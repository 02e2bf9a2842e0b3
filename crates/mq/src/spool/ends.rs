//! What a broker has said of messages, or what became of them on their way to it.

use super::Spool;
use super::dead::Burial;
use super::metrics::SpoolCount;
use super::state::State;
use super::topic::{Disk, Entry};
use crate::supervisor::FIRST_PAUSE;
use crate::{Cause, Confirm, Outcome, SendError};
use std::sync::Arc;
use tokio::time::Instant;

impl Confirm for Spool {
    fn ended(&self, outcomes: Vec<Outcome>) {
        let now = Instant::now();
        let mut told = Vec::new();
        {
            let mut state = self.state.lock();
            let mut touched = Vec::<Arc<str>>::new();
            for Outcome { token: sequence, result } in outcomes {
                let Some(name) = state.flying.remove(&sequence) else { continue };
                let entry = state.topics.get_mut(&name).and_then(|topic| topic.flying.remove(&sequence));
                let Some(entry) = entry else { continue };
                match result {
                    Ok(()) => self.confirmed(&mut state, &name, entry, &mut told),
                    Err(error) => self.failed(&mut state, &name, sequence, entry, error, &mut told),
                }
                if !touched.contains(&name) {
                    touched.push(name);
                }
            }
            for name in touched {
                self.recall(&mut state, &name, &mut told);
                self.advance(&mut state, &name, now);
                state.forget(&name);
            }
            state.say_empty(self.name, &self.counters);
            if self.has_work(&state, now) {
                self.work.notify_one();
            }
        }
        self.tell(told);
    }
}

impl Spool {
    fn confirmed(&self, state: &mut State, name: &str, entry: Entry, told: &mut Vec<Outcome>) {
        state.release(entry.message.size());
        if let Some(topic) = state.topics.get_mut(name) {
            topic.confirmed();
        }
        if let Some(token) = entry.token {
            told.push(Outcome { token, result: Ok(()) });
        }
        // One that is being written is done as soon as it is.
        if let Disk::Yes(slot) = entry.disk {
            self.counters.add(SpoolCount::Drained, 1);
            state.finish(slot);
        }
    }

    fn failed(
        &self,
        state: &mut State,
        name: &Arc<str>,
        sequence: u64,
        entry: Entry,
        error: SendError,
        told: &mut Vec<Outcome>,
    ) {
        let Some(topic) = state.topics.get_mut(name) else { return };
        let attempts = topic.refusals();
        let is_for_good = match error.cause {
            Cause::TooLarge | Cause::Denied | Cause::Refused => true,
            // Its sender is there to be told, or the broker has had time enough.
            Cause::NoTarget => entry.disk == Disk::No || attempts >= self.config.attempts,
            _ => false,
        };
        if is_for_good {
            if let (Disk::Yes(slot), None) = (entry.disk, entry.token) {
                let reason = error.text.as_ref().into();
                state.to_bury.push(Burial { slot, message: entry.message, reason, attempts });
                return;
            }
            return self.end(state, entry, error, told);
        }
        let is_unheard = entry.disk == Disk::No && (entry.is_given_up || Instant::now() >= entry.deadline);
        if is_unheard {
            return self.end(state, entry, error, told);
        }
        topic.failed(matches!(error.cause, Cause::Busy | Cause::NoTarget));
        topic.idle.insert(sequence, entry);
        if let Err(full) = self.spill(state, name, sequence)
            && let Some(entry) = state.topics.get_mut(name).and_then(|topic| topic.idle.remove(&sequence))
        {
            self.end(state, entry, if error.cause.may_be_stored() { error } else { full }, told);
        }
    }

    /// Where one of a topic has failed, those behind it that have not left yet wait for it again.
    fn recall(&self, state: &mut State, name: &Arc<str>, told: &mut Vec<Outcome>) {
        if state.topics.get(name).is_none_or(|topic| !topic.has_failed() || topic.flying.is_empty()) {
            return;
        }
        let Some(pending) = self.pending() else { return };
        for sequence in pending.recall(|_, topic| *topic == **name) {
            self.land(state, name, sequence, told);
        }
    }

    /// One that was at the broker by the table, and has not left, is there no more. Where it can't be on disk either it ends.
    pub(super) fn land(&self, state: &mut State, name: &Arc<str>, sequence: u64, told: &mut Vec<Outcome>) {
        state.flying.remove(&sequence);
        let Some(topic) = state.topics.get_mut(name) else { return };
        let Some(entry) = topic.flying.remove(&sequence) else { return };
        topic.idle.insert(sequence, entry);
        if let Err(full) = self.spill(state, name, sequence)
            && let Some(entry) = state.topics.get_mut(name).and_then(|topic| topic.idle.remove(&sequence))
        {
            self.end(state, entry, full, told);
        }
    }

    /// Ends one that is in no table any more, and on disk only by chance.
    pub(super) fn end(&self, state: &mut State, entry: Entry, error: SendError, told: &mut Vec<Outcome>) {
        state.release(entry.message.size());
        if let Disk::Yes(slot) = entry.disk {
            state.finish(slot);
        }
        if !entry.is_given_up {
            self.count_failure(&error);
        }
        if let Some(token) = entry.token {
            told.push(Outcome { token, result: Err(error) });
        }
    }

    /// Sends what may go now, and leaves on disk what may not.
    pub(super) fn advance(&self, state: &mut State, name: &Arc<str>, now: Instant) {
        let Some(topic) = state.topics.get_mut(name) else { return };
        topic.end_round(FIRST_PAUSE, self.bounds.max_backoff, now);
        let may_go = topic.may_go(now) && self.pending().is_some_and(|pending| pending.is_ready());
        if may_go {
            self.pump(state, name, now);
        } else {
            state.demote(name);
        }
    }
}
