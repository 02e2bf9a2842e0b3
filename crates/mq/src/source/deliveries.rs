//! Messages of a source that are held: which may go to their receivers, which wait, and what became of them.
//!
//! ```text
//!   take ─▶ behind ─▶ ready ─▶ sent ──(done)──────────▶ ended
//!            (another   ▲       │ ├──(absent, failed)─▶ pausing ─▶ ready
//!             of its    │       │ └──(refused, or as often as may be)─▶ dead ─▶ ended
//!             key)      └───────┘
//! ```
//!
//! Of one key only the first is ever ready or sent, and it has its place until it has ended. Those that are behind or pausing
//! wait: they are counted apart, so that they take no place from those that can go.
//!
//! A receiver that is not there is waited for once, and not once for each message: when that is over, what waits for it and
//! what comes for it is given up as soon as it was found to be absent still.

use super::absences::Absences;
use super::target::{Job, Receiver};
use super::{Answer, Record};
use crate::Retry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::{AddAssign, SubAssign};
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
    absences: Absences,
    held: Load,
    waiting: Load,
    sent: usize,
    last: u64,
}

/// So many messages, of so many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl AddAssign<usize> for Load {
    /// One more message, of that size.
    fn add_assign(&mut self, size: usize) {
        (self.messages, self.bytes) = (self.messages + 1, self.bytes + size);
    }
}

impl SubAssign<usize> for Load {
    fn sub_assign(&mut self, size: usize) {
        (self.messages, self.bytes) = (self.messages - 1, self.bytes - size);
    }
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
    /// Since when it waits for its receiver.
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

impl State {
    fn waits(self) -> bool {
        matches!(self, Self::Behind | Self::Pausing(_))
    }
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has ended: after so long.
    Done(Duration),
    Absent,
    Failed,
    /// It goes to the dead letters, and so many with it that were behind it for the same receiver.
    Dead(usize),
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
        self.held += size;
        self.enter(number, size, state);
        number
    }

    /// The next ones that may go, at most so many: they are sent from here on.
    pub(crate) fn send(&mut self, most: usize, now: Instant) -> Vec<(u64, Arc<Job>, Arc<Record>)> {
        while let Some(&(_, number)) = self.pausing.first().filter(|(until, _)| *until <= now) {
            self.set(number, State::Ready);
        }
        let mut sent = Vec::new();
        while sent.len() < most
            && let Some(number) = self.ready.pop_front()
        {
            let Some(entry) = self.entries.get(&number) else { continue };
            let Ok(job) = &entry.held.job else { continue };
            sent.push((number, job.clone(), entry.held.record.clone()));
            self.set(number, State::Sent);
        }
        sent
    }

    /// Changes the state of one that is held.
    fn set(&mut self, number: u64, state: State) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        let (size, before) = (entry.size, std::mem::replace(&mut entry.state, state));
        self.leave(number, size, before);
        self.enter(number, size, state);
    }

    fn enter(&mut self, number: u64, size: usize, state: State) {
        if state.waits() {
            self.waiting += size;
        }
        match state {
            State::Behind => {}
            State::Ready => self.ready.push_back(number),
            State::Sent => self.sent += 1,
            State::Pausing(until) => {
                self.pausing.insert((until, number));
            }
            State::Dead => self.dead.push_back(number),
        }
    }

    /// What is ready or dead and is not any more is passed over when its turn comes.
    fn leave(&mut self, number: u64, size: usize, state: State) {
        if state.waits() {
            self.waiting -= size;
        }
        match state {
            State::Sent => self.sent -= 1,
            State::Pausing(until) => {
                self.pausing.remove(&(until, number));
            }
            State::Behind | State::Ready | State::Dead => {}
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
        let receiver = entry.held.job.as_ref().ok()?.receiver();
        if let Answer::Absent(reason) = answer {
            return Some(self.absent(number, &receiver, &reason, retry, now));
        }
        (entry.absent_since, entry.absences) = (None, 0);
        self.absences.end(&receiver);
        let reason = match answer {
            Answer::Done | Answer::Absent(_) => {
                let after = now.saturating_duration_since(entry.came);
                self.end(number, Verdict::Done);
                return Some(Fate::Done(after));
            }
            Answer::Failed(_) if entry.attempts + 1 < retry.attempts => {
                entry.attempts += 1;
                let until = now + pause(retry, entry.attempts);
                self.set(number, State::Pausing(until));
                return Some(Fate::Failed);
            }
            Answer::Failed(reason) | Answer::Refused(reason) => reason,
        };
        entry.attempts += 1;
        self.give_up(number, &reason.into());
        Some(Fate::Dead(0))
    }

    /// Its receiver is not there, or has no room.
    fn absent(
        &mut self,
        number: u64,
        receiver: &Receiver,
        reason: &str,
        retry: &Retry,
        now: Instant,
    ) -> Fate {
        let last = retry.wait.map(|wait| self.absences.note(receiver, wait, now) + wait);
        let Some(entry) = self.entries.get_mut(&number) else { return Fate::Absent };
        entry.absences += 1;
        let since = *entry.absent_since.get_or_insert(now);
        // Its own wait may be over as well, where the receiver was back for others meanwhile.
        let last = last.zip(retry.wait).map(|(last, wait)| last.min(since + wait));
        if last.is_some_and(|last| last <= now) {
            let reason = reason.into();
            self.give_up(number, &reason);
            return Fate::Dead(self.give_up_behind(number, receiver, &reason));
        }
        let until = now + pause(retry, entry.absences);
        // Not later than its wait is over, so that this is noticed then.
        self.set(number, State::Pausing(last.map_or(until, |last| until.min(last))));
        Fate::Absent
    }

    fn give_up(&mut self, number: u64, reason: &Arc<str>) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.held.job = Err(reason.clone());
            self.set(number, State::Dead);
        }
    }

    /// Those of its key that come next for the same receiver. How many.
    fn give_up_behind(&mut self, number: u64, receiver: &Receiver, reason: &Arc<str>) -> usize {
        let key = self.entries.get(&number).and_then(|entry| entry.key.as_ref());
        let Some(queue) = key.and_then(|key| self.queues.get(key)) else { return 0 };
        let is_next = |number: &&u64| {
            let job = self.entries.get(number).map(|entry| &entry.held.job);
            job.is_some_and(|job| job.as_ref().is_ok_and(|job| job.receiver() == *receiver))
        };
        let next: Vec<u64> = queue.iter().skip(1).take_while(is_next).copied().collect();
        for number in &next {
            self.give_up(*number, reason);
        }
        next.len()
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
        let is_held = self.is(number, State::Dead);
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
    #[cfg(any(test, feature = "amqp", feature = "kafka"))]
    pub(crate) fn forget(&mut self, numbers: &BTreeSet<u64>) {
        for number in numbers {
            self.remove(*number);
        }
        self.ended.retain(|(number, _)| !numbers.contains(number));
    }

    fn remove(&mut self, number: u64) {
        let Some(entry) = self.entries.remove(&number) else { return };
        self.held -= entry.size;
        self.leave(number, entry.size, entry.state);
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
            // It may have been given up already.
            Some(next) if was_first && self.is(next, State::Behind) => self.set(next, State::Ready),
            Some(_) => {}
        }
    }

    fn is(&self, number: u64, state: State) -> bool {
        self.entries.get(&number).is_some_and(|entry| entry.state == state)
    }

    /// What has ended since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<(u64, Verdict)> {
        std::mem::take(&mut self.ended)
    }

    pub(crate) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// All that are held.
    pub(crate) fn held(&self) -> Load {
        self.held
    }

    /// Those of them that wait: for their receivers, for another attempt, or behind another one of their key.
    pub(crate) fn waiting(&self) -> Load {
        self.waiting
    }

    /// Those whose receivers have not answered.
    pub(crate) fn sent(&self) -> usize {
        self.sent
    }
}

/// The pause behind the attempt of that number.
fn pause(retry: &Retry, times: u32) -> Duration {
    let doublings = times.saturating_sub(1).min(MAX_DOUBLINGS);
    retry.first.saturating_mul(1 << doublings).min(retry.max)
}

#[cfg(test)]
mod tests;
