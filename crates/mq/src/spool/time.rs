//! What happens by time: messages that are written since the broker has not confirmed them, senders that are told that their
//! time is over, and topics that go on after a pause.

use super::Spool;
use super::state::State;
use super::topic::Disk;
use crate::{Cause, Outcome, SendError};
use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// How often it is looked.
const TICK: Duration = Duration::from_millis(20);

/// Seconds since 1970.
pub(super) fn since_1970() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

impl Spool {
    /// For as long as it is polled.
    pub(crate) async fn keep_time(&self) -> Infallible {
        loop {
            tokio::time::sleep(TICK).await;
            self.tick(Instant::now());
        }
    }

    pub(super) fn tick(&self, now: Instant) {
        let mut told = Vec::new();
        let mut state = self.state.lock();
        if state.next_due.is_some_and(|due| due <= now) {
            self.expire(&mut state, now, &mut told);
        }
        let idle = |(name, topic): (&Arc<str>, &super::topic::Topic)| {
            (!topic.idle.is_empty() || !topic.queue.is_empty()).then(|| name.clone())
        };
        let names: Vec<Arc<str>> = state.topics.iter().filter_map(idle).collect();
        for name in names {
            self.advance(&mut state, &name, now);
        }
        if self.has_work(&state, now) {
            self.work.notify_one();
        }
        drop(state);
        self.tell(told);
    }

    /// Writes what has waited for the broker long enough, and ends what can't be written in time.
    fn expire(&self, state: &mut State, now: Instant, told: &mut Vec<Outcome>) {
        let (mut to_spill, mut late, mut next) = (Vec::new(), Vec::new(), None::<Instant>);
        for (name, topic) in &state.topics {
            for (sequence, entry) in topic.idle.iter().chain(&topic.flying) {
                let deadline = entry.token.map(|_| entry.deadline);
                if deadline.is_some_and(|deadline| deadline <= now) {
                    late.push((name.clone(), *sequence));
                    continue;
                }
                let spill_at = entry.spill_at.filter(|_| entry.disk == Disk::No);
                if spill_at.is_some_and(|time| time <= now) {
                    to_spill.push((name.clone(), *sequence));
                }
                let due = [deadline, spill_at.filter(|time| *time > now)].into_iter().flatten().min();
                next = [next, due].into_iter().flatten().min();
            }
        }
        state.next_due = next;
        let mut touched: Vec<Arc<str>> = to_spill.iter().chain(&late).map(|(name, _)| name.clone()).collect();
        touched.dedup();
        for (name, sequence) in to_spill {
            let Err(full) = self.spill(state, &name, sequence) else { continue };
            let Some(topic) = state.topics.get_mut(&name) else { continue };
            if let Some(entry) = topic.idle.remove(&sequence) {
                self.end(state, entry, full, told);
            } else if let Some(entry) = topic.flying.get_mut(&sequence) {
                // The broker may still confirm it.
                entry.spill_at = None;
            }
        }
        self.end_unsent(state, &mut late, told);
        for (name, sequence) in late {
            self.give_up(state, &name, sequence, told);
        }
        // Of some the last message has ended here.
        for name in touched {
            self.advance(state, &name, now);
            state.forget(&name);
        }
    }

    /// Of those whose time is over, ends and takes out what is neither on disk, nor has left: it will not.
    fn end_unsent(&self, state: &mut State, late: &mut Vec<(Arc<str>, u64)>, told: &mut Vec<Outcome>) {
        let is_unwritten = |(name, sequence): &&(Arc<str>, u64)| {
            let flying = state.topics.get(name).and_then(|topic| topic.flying.get(sequence));
            flying.is_some_and(|entry| entry.disk == Disk::No)
        };
        let unwritten: HashSet<u64> =
            late.iter().filter(is_unwritten).map(|(_, sequence)| *sequence).collect();
        let Some(pending) = self.pending().filter(|_| !unwritten.is_empty()) else { return };
        let unsent: HashSet<u64> =
            pending.recall(|token, _| unwritten.contains(&token)).into_iter().collect();
        for (name, sequence) in late.extract_if(.., |(_, sequence)| unsent.contains(sequence)) {
            state.flying.remove(&sequence);
            let topic = state.topics.get_mut(&name);
            let Some(entry) = topic.and_then(|topic| topic.flying.remove(&sequence)) else { continue };
            let text = format!("{}: not sent in time, and the spool could not have it", self.name);
            self.end(state, entry, SendError::new(Cause::Deadline, text), told);
        }
    }

    /// Its sender is told that its time is over.
    fn give_up(&self, state: &mut State, name: &Arc<str>, sequence: u64, told: &mut Vec<Outcome>) {
        let Some(topic) = state.topics.get_mut(name) else { return };
        let is_flying = topic.flying.contains_key(&sequence);
        let Some(entry) = topic.get_mut(sequence) else { return };
        let text =
            if entry.disk == Disk::Writing { "nor has the disk" } else { "and the spool could not have it" };
        let error = SendError::new(
            Cause::Unanswered,
            format!("{}: the broker has not answered in time, {text}; it may have the message", self.name),
        );
        if !is_flying && entry.disk == Disk::No {
            if let Some(entry) = topic.idle.remove(&sequence) {
                self.end(state, entry, error, told);
            }
            return;
        }
        entry.is_given_up = true;
        if let Some(token) = entry.token.take() {
            self.count_failure(&error);
            told.push(Outcome { token, result: Err(error) });
        }
    }
}
