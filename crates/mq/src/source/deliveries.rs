//! Messages of a source that are held: which may go to their receivers, which wait, and what became of them.
//!
//! ```text
//!   take ─▶ behind ─▶ ready ─▶ sent ──(done)──────────▶ ended
//!            (another   ▲       │ ├──(absent, failed)─▶ pausing ─▶ ready
//!             of its    │       │ └──(refused, or as often as may be)─▶ dead ─▶ ended
//!             key)      └───────┘
//! ```
//!
//! Of one key only the first is ever ready or sent, and it has its place until it has ended.

use super::target::Job;
use super::{Answer, Record};
use crate::Retry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often the pause doubles, at most.
const MAX_DOUBLINGS: u32 = 20;

/// What became of a message, for the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its receiver has acked it.
    Done,
    /// It is given up here, and kept elsewhere or dropped.
    GivenUp,
    /// It is given up, and the broker is to keep it.
    Rejected,
}

/// All that are held.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    entries: BTreeMap<u64, Entry>,
    /// By key, in the order in which they came; the first of each may go.
    queues: HashMap<Box<[u8]>, VecDeque<u64>>,
    ready: VecDeque<u64>,
    pausing: BTreeSet<(Instant, u64)>,
    dead: VecDeque<u64>,
    ended: Vec<(u64, Verdict)>,
    bytes: usize,
    sent: usize,
    absent: usize,
    last: u64,
}

#[derive(Debug)]
struct Entry {
    held: Held,
    key: Option<Box<[u8]>>,
    size: usize,
    state: State,
    came: Instant,
    attempts: u32,
    absences: u32,
    /// Since when its receiver is not there.
    absent_since: Option<Instant>,
}

/// A message that is held, as it is given out.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) record: Arc<Record>,
    /// What it becomes, or why it becomes nothing.
    pub(crate) job: Result<Arc<Job>, Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Behind,
    Ready,
    Sent,
    Pausing(Instant),
    Dead,
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has ended: after so long.
    Done(Duration),
    Absent,
    Failed,
    /// It goes to the dead letters.
    Dead,
}

/// One that goes to the dead letters.
#[derive(Clone, Debug)]
pub(crate) struct Dead {
    pub(crate) number: u64,
    pub(crate) record: Arc<Record>,
    pub(crate) reason: Arc<str>,
    pub(crate) attempts: u32,
}

impl Deliveries {
    /// Holds one more, and gives it a number.
    pub(crate) fn take(&mut self, record: Record, job: Result<Job, String>, now: Instant) -> u64 {
        self.last += 1;
        let number = self.last;
        let key = job.as_ref().ok().and_then(|job| job.key.clone());
        let (size, is_dead) = (record.size(), job.is_err());
        let job = job.map(Arc::new).map_err(Into::into);
        self.bytes += size;
        let queue = key.clone().map(|key| self.queues.entry(key).or_default());
        let is_first = queue.is_none_or(|queue| {
            queue.push_back(number);
            queue.len() == 1
        });
        let state = match (is_dead, is_first) {
            (true, _) => State::Dead,
            (false, true) => State::Ready,
            (false, false) => State::Behind,
        };
        let held = Held { record: Arc::new(record), job };
        let entry = Entry { held, key, size, state, came: now, attempts: 0, absences: 0, absent_since: None };
        self.entries.insert(number, entry);
        match state {
            State::Ready => self.ready.push_back(number),
            State::Dead => self.dead.push_back(number),
            _ => {}
        }
        number
    }

    /// The next ones that may go, at most so many: they are sent from here on.
    pub(crate) fn send(&mut self, most: usize, now: Instant) -> Vec<(u64, Arc<Job>, Arc<Record>)> {
        while let Some(&(until, number)) = self.pausing.first().filter(|(until, _)| *until <= now) {
            self.pausing.remove(&(until, number));
            self.make_ready(number);
        }
        let mut sent = Vec::new();
        while sent.len() < most
            && let Some(number) = self.ready.pop_front()
        {
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            let Ok(job) = &entry.held.job else { continue };
            entry.state = State::Sent;
            self.sent += 1;
            sent.push((number, job.clone(), entry.held.record.clone()));
        }
        sent
    }

    fn make_ready(&mut self, number: u64) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.state = State::Ready;
            self.ready.push_back(number);
        }
    }

    /// When the first of those that pause may go again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.pausing.first().map(|(until, _)| *until)
    }

    /// What the receiver said of one that was sent. `None` of one that is not held any more.
    pub(crate) fn answered(
        &mut self,
        number: u64,
        answer: Answer,
        retry: &Retry,
        now: Instant,
    ) -> Option<Fate> {
        let entry = self.entries.get_mut(&number).filter(|entry| entry.state == State::Sent)?;
        self.sent -= 1;
        // Until it is known what it is.
        entry.state = State::Dead;
        let was_absent = entry.absent_since.is_some();
        let (fate, reason) = match answer {
            Answer::Done => (Fate::Done(now.saturating_duration_since(entry.came)), None),
            Answer::Absent(reason) => {
                entry.absences += 1;
                let since = *entry.absent_since.get_or_insert(now);
                let is_over = retry.wait.is_some_and(|wait| now.saturating_duration_since(since) >= wait);
                (if is_over { Fate::Dead } else { Fate::Absent }, Some(reason))
            }
            Answer::Failed(reason) => {
                entry.attempts += 1;
                (if entry.attempts >= retry.attempts { Fate::Dead } else { Fate::Failed }, Some(reason))
            }
            Answer::Refused(reason) => {
                entry.attempts += 1;
                (Fate::Dead, Some(reason))
            }
        };
        if fate != Fate::Absent {
            (entry.absent_since, entry.absences) = (None, 0);
        }
        let is_absent = entry.absent_since.is_some();
        self.absent = self.absent + usize::from(is_absent) - usize::from(was_absent);
        match fate {
            Fate::Done(_) => self.end(number, Verdict::Done),
            Fate::Absent | Fate::Failed => {
                let times = if fate == Fate::Absent { entry.absences } else { entry.attempts };
                let pause = pause(retry, times);
                // Not later than its wait is over, so that this is noticed then.
                let last = entry.absent_since.zip(retry.wait).map(|(since, wait)| since + wait);
                let until = last.map_or(now + pause, |last| (now + pause).min(last.max(now)));
                entry.state = State::Pausing(until);
                self.pausing.insert((until, number));
            }
            Fate::Dead => {
                let reason = reason.unwrap_or_default();
                entry.state = State::Dead;
                entry.held.job = Err(reason.into());
                self.dead.push_back(number);
            }
        }
        Some(fate)
    }

    /// Those that are to be written to the dead letters, at most so many.
    pub(crate) fn dead(&mut self, most: usize) -> Vec<Dead> {
        let count = self.dead.len().min(most);
        let numbers: Vec<u64> = self.dead.drain(..count).collect();
        let dead = |number| {
            let entry = self.entries.get(&number)?;
            let reason = entry.held.job.as_ref().err().cloned().unwrap_or_default();
            Some(Dead { number, record: entry.held.record.clone(), reason, attempts: entry.attempts })
        };
        numbers.into_iter().filter_map(dead).collect()
    }

    pub(crate) fn has_dead(&self) -> bool {
        !self.dead.is_empty()
    }

    /// These could not be written: they wait to be tried again.
    pub(crate) fn still_dead(&mut self, numbers: impl DoubleEndedIterator<Item = u64>) {
        for number in numbers.rev() {
            self.dead.push_front(number);
        }
    }

    /// It has ended, and the broker is to hear of it. Whether it was held.
    pub(crate) fn bury(&mut self, number: u64, verdict: Verdict) -> bool {
        let is_held = self.entries.get(&number).is_some_and(|entry| entry.state == State::Dead);
        if is_held {
            self.end(number, verdict);
        }
        is_held
    }

    fn end(&mut self, number: u64, verdict: Verdict) {
        self.remove(number);
        self.ended.push((number, verdict));
    }

    /// The broker will give these out anew, or has them no more: they are held no longer, and what their receivers say is
    /// nothing to it.
    pub(crate) fn forget(&mut self, numbers: &BTreeSet<u64>) {
        for number in numbers {
            self.remove(*number);
        }
        self.ended.retain(|(number, _)| !numbers.contains(number));
    }

    fn remove(&mut self, number: u64) {
        let Some(entry) = self.entries.remove(&number) else { return };
        self.bytes -= entry.size;
        self.absent -= usize::from(entry.absent_since.is_some());
        match entry.state {
            State::Pausing(until) => {
                self.pausing.remove(&(until, number));
            }
            State::Sent => self.sent -= 1,
            State::Behind | State::Ready | State::Dead => {}
        }
        let Some(key) = entry.key else { return };
        let Some(queue) = self.queues.get_mut(&key) else { return };
        let was_first = queue.front() == Some(&number);
        if was_first {
            queue.pop_front();
        } else {
            queue.retain(|other| *other != number);
        }
        match queue.front().copied() {
            None => {
                self.queues.remove(&key);
            }
            Some(next) if was_first => self.make_ready(next),
            Some(_) => {}
        }
    }

    /// What has ended since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<(u64, Verdict)> {
        std::mem::take(&mut self.ended)
    }

    pub(crate) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Those whose receivers have not answered.
    pub(crate) fn sent(&self) -> usize {
        self.sent
    }

    pub(crate) fn absent(&self) -> usize {
        self.absent
    }
}

/// The pause behind the attempt of that number.
fn pause(retry: &Retry, times: u32) -> Duration {
    let doublings = times.saturating_sub(1).min(MAX_DOUBLINGS);
    retry.first.saturating_mul(1 << doublings).min(retry.max)
}

#[cfg(test)]
mod tests;
