//! The thread that has the files: it writes whatever waits with one sync, marks what is done, deletes, buries and reads.

use super::Spool;
use super::dead::{self, Burial};
use super::log::{Log, ReadError, Slot};
use super::metrics::SpoolCount;
use super::record::Spooled;
use super::state::{State, Write};
use super::topic::{Disk, Entry};
use crate::source::DeadLetterFile;
use crate::{Bounds, Cause, Outcome, SendError};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// Messages that are written together, or read.
const MOST: usize = 1024;

/// The same in bytes; one alone may have more.
const MOST_BYTES: usize = 4 << 20;

/// How long after a fault of the disk it is looked whether it has gone: those who ask how the spool is see it meanwhile.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// Bytes that are written to see that, at least and at most: as many as could not be written.
const PROBE_BYTES: (usize, usize) = (4 << 10, 1 << 20);

/// What is done at once, without the lock.
#[derive(Default)]
struct Batch {
    /// There was a fault of the disk, and it is time to look whether it is there still.
    probes: bool,
    writes: Vec<(Arc<str>, Spooled)>,
    done: Vec<Slot>,
    removals: Vec<u32>,
    burials: Vec<Burial>,
    reads: Vec<(Arc<str>, Slot)>,
}

/// Starts it.
pub(super) fn spawn(spool: Arc<Spool>, log: Log) -> io::Result<()> {
    let runtime = Handle::current();
    let name = format!("spool-{}", spool.name);
    thread::Builder::new().name(name).spawn(move || {
        // For those who hear what has ended.
        let _runtime = runtime.enter();
        run(&spool, log);
        spool.state.lock().is_stopped = true;
    })?;
    Ok(())
}

fn run(spool: &Spool, mut log: Log) {
    let config = &spool.config;
    let dead_letters = DeadLetterFile { path: config.dead_letters(), max_size: config.dead_letter_size };
    while let Some(batch) = next(spool) {
        let Batch { probes, writes, done, removals, burials, reads } = batch;
        if probes {
            probe(spool, &mut log, &dead_letters);
        }
        for segment in removals {
            note(spool, log.remove(segment));
        }
        note(spool, log.mark(&done));
        if !burials.is_empty() {
            let (count, why) = dead::bury(&dead_letters, spool.name, &burials);
            spool.buried(burials, count, why);
        }
        if !writes.is_empty() {
            let (names, messages): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
            let written = log.append(&messages);
            spool.written(names, &messages, written);
        }
        let read = reads.into_iter().map(|(name, slot)| (name, slot, log.read(&slot))).collect();
        spool.read(read);
    }
}

/// Waits for something to do; `None` where there is nothing more.
fn next(spool: &Spool) -> Option<Batch> {
    let mut state = spool.state.lock();
    loop {
        let mut batch = spool.take(&mut state);
        let fault = state.fault_at.filter(|_| !state.is_stopping);
        batch.probes = fault.is_some_and(|at| at.elapsed() >= PROBE_INTERVAL);
        let Batch { probes, writes, done, removals, burials, reads } = &batch;
        let is_empty = !probes
            && writes.is_empty()
            && done.is_empty()
            && removals.is_empty()
            && burials.is_empty()
            && reads.is_empty();
        if !is_empty {
            return Some(batch);
        }
        if state.is_stopping && state.is_settled() {
            return None;
        }
        match fault {
            Some(_) => {
                // Woken or not, all is looked at.
                let _ = spool.work.wait_for(&mut state, PROBE_INTERVAL);
            }
            None => spool.work.wait(&mut state),
        }
    }
}

/// Looks whether what could not be written before can be now.
fn probe(spool: &Spool, log: &mut Log, dead_letters: &DeadLetterFile) {
    let (failed, is_stuck) = {
        let state = spool.state.lock();
        (state.failing.is_some().then_some(state.failed_bytes), state.stuck.is_some())
    };
    let failing = failed.and_then(|bytes| log.probe(bytes.clamp(PROBE_BYTES.0, PROBE_BYTES.1)).err());
    let stuck = if is_stuck { dead_letters.check().err() } else { None };
    let mut state = spool.state.lock();
    if failed.is_some() && failing.is_none() {
        info!(sink = spool.name, "the spool can be written again");
    }
    (state.failing, state.stuck) = (failing, stuck);
    state.note_fault();
}

/// It is no harm but that some messages are sent once more after the next start.
fn note(spool: &Spool, done: Result<(), String>) {
    if let Err(cause) = done
        && let Some(count) = spool.state.lock().failed.admit(1)
    {
        warn!(sink = spool.name, count, "the spool can't note what is done: {cause}");
    }
}

impl Spool {
    /// Whether there is something for the worker.
    pub(super) fn has_work(&self, state: &State, now: Instant) -> bool {
        !state.to_write.is_empty()
            || !state.done.is_empty()
            || !state.to_bury.is_empty()
            || self.may_read(state) && state.topics.values().any(|topic| topic.waits_for_disk(now))
    }

    /// Half of what may be held is for what comes.
    fn may_read(&self, state: &State) -> bool {
        let Bounds { messages, bytes, .. } = self.bounds;
        !state.is_closing
            && state.held.messages <= messages / 2
            && state.held.bytes <= bytes / 2
            && self.pending().is_some_and(|pending| pending.is_ready())
    }

    fn take(&self, state: &mut State) -> Batch {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.writes.len() < MOST
            && bytes < MOST_BYTES
            && let Some(Write { sequence, topic: name, size }) = state.to_write.pop_front()
        {
            let entry = state.topics.get_mut(&name).and_then(|topic| topic.get_mut(sequence));
            let Some(Entry { message, time, .. }) = entry else {
                // It has ended meanwhile.
                state.room.unqueue(size);
                continue;
            };
            bytes += message.size();
            let spooled = Spooled { sequence, time: *time, message: message.clone() };
            batch.writes.push((name, spooled));
        }
        batch.done = std::mem::take(&mut state.done);
        batch.done.sort_unstable_by_key(|slot| (slot.segment, slot.offset));
        batch.burials = std::mem::take(&mut state.to_bury);
        batch.removals = state.room.sweep();
        batch.done.retain(|slot| !batch.removals.contains(&slot.segment));
        if self.may_read(state) {
            batch.reads = self.to_read(state);
        }
        batch
    }

    /// What is read next, of all topics that wait for it.
    fn to_read(&self, state: &mut State) -> Vec<(Arc<str>, Slot)> {
        let now = Instant::now();
        let mut waiting: Vec<_> =
            state.topics.iter_mut().filter(|(_, topic)| topic.waits_for_disk(now)).collect();
        let most = MOST.min(self.bounds.messages.div_ceil(2));
        let share = (most / waiting.len().max(1)).max(1);
        let (mut reads, mut bytes) = (Vec::new(), 0);
        for (name, topic) in &mut waiting {
            for _ in 0..share {
                if reads.len() >= most || bytes >= MOST_BYTES.min(self.bounds.bytes / 2) {
                    return reads;
                }
                let Some(slot) = topic.begin_read() else { break };
                bytes += usize::try_from(slot.len).unwrap_or(usize::MAX);
                reads.push((Arc::clone(name), slot));
            }
        }
        reads
    }

    fn written(&self, names: Vec<Arc<str>>, messages: &[Spooled], written: Result<Vec<Slot>, String>) {
        let mut told = Vec::new();
        let mut state = self.state.lock();
        match written {
            Ok(slots) => {
                state.failing = None;
                state.note_fault();
                for ((name, spooled), slot) in names.iter().zip(messages).zip(slots) {
                    state.room.unqueue(spooled.message.size() as u64);
                    self.stands(&mut state, name, slot, &mut told);
                }
            }
            Err(cause) => {
                self.counters.add(SpoolCount::Refused, messages.len() as u64);
                if let Some(count) = state.failed.admit(messages.len() as u64) {
                    error!(sink = self.name, count, "messages can't be written to the spool: {cause}");
                }
                let text = format!("{}: the broker can't take it now, nor the spool: {cause}", self.name);
                let error = SendError::new(Cause::Busy, text);
                state.failing = Some(cause);
                state.failed_bytes = messages.iter().map(|spooled| spooled.message.size()).sum();
                state.note_fault();
                for (name, spooled) in names.iter().zip(messages) {
                    state.room.unqueue(spooled.message.size() as u64);
                    self.stands_not(&mut state, name, spooled.sequence, &error, &mut told);
                }
            }
        }
        let now = Instant::now();
        let mut last = None;
        for name in &names {
            if last != Some(name) {
                self.advance(&mut state, name, now);
                state.demote(name);
                state.forget(name);
            }
            last = Some(name);
        }
        state.say_empty(self.name, &self.counters);
        drop(state);
        self.tell(told);
    }

    /// A message is on disk: its sender is answered.
    fn stands(&self, state: &mut State, name: &str, slot: Slot, told: &mut Vec<Outcome>) {
        self.counters.add(SpoolCount::Spooled, 1);
        state.room.add(&slot);
        let entry = state.topics.get_mut(name).and_then(|topic| topic.get_mut(slot.sequence));
        let Some(entry) = entry else {
            // It has ended meanwhile.
            return state.finish(slot);
        };
        entry.disk = Disk::Yes(slot);
        if let Some(token) = entry.token.take() {
            told.push(Outcome { token, result: Ok(()) });
        }
    }

    /// A message could not be written. One that is at the broker may be confirmed all the same.
    fn stands_not(
        &self,
        state: &mut State,
        name: &str,
        sequence: u64,
        error: &SendError,
        told: &mut Vec<Outcome>,
    ) {
        let Some(topic) = state.topics.get_mut(name) else { return };
        if let Some(mut entry) = topic.idle.remove(&sequence) {
            entry.disk = Disk::No;
            self.end(state, entry, error.clone(), told);
        } else if let Some(entry) = topic.flying.get_mut(&sequence) {
            entry.disk = Disk::No;
        }
    }

    fn read(&self, read: Vec<(Arc<str>, Slot, Result<Spooled, ReadError>)>) {
        if read.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut state = self.state.lock();
        let mut touched = Vec::<Arc<str>>::new();
        for (name, slot, spooled) in read {
            if !touched.contains(&name) {
                touched.push(name.clone());
            }
            let Spooled { sequence, time, message } = match spooled {
                Ok(spooled) => spooled,
                Err(ReadError::Damaged(cause)) => {
                    self.counters.add(SpoolCount::Damaged, 1);
                    error!(sink = self.name, topic = &*name, "a message of the spool is lost: {cause}");
                    state.finish(slot);
                    continue;
                }
                Err(ReadError::Io(cause)) => {
                    if let Some(count) = state.failed.admit(1) {
                        error!(
                            sink = self.name,
                            count, "the spool can't be read, and is tried again: {cause}"
                        );
                    }
                    if let Some(topic) = state.topics.get_mut(&name) {
                        topic.enqueue(slot);
                        topic.pause(now + self.bounds.max_backoff);
                    }
                    continue;
                }
            };
            state.hold(message.size());
            let entry = Entry {
                message,
                token: None,
                time,
                spill_at: None,
                deadline: now,
                disk: Disk::Yes(slot),
                is_given_up: false,
            };
            state.topics.entry(name).or_default().idle.insert(sequence, entry);
        }
        for name in touched {
            if let Some(topic) = state.topics.get_mut(&name) {
                topic.end_read();
            }
            self.advance(&mut state, &name, now);
            state.forget(&name);
        }
        state.say_empty(self.name, &self.counters);
    }

    fn buried(&self, burials: Vec<Burial>, count: usize, why: Option<String>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        self.counters.add(SpoolCount::DeadLettered, count as u64);
        if let Some(cause) = &why
            && state.stuck.is_none()
        {
            error!(sink = self.name, "dead letters of the spool can't be written, and are kept: {cause}");
        }
        if count > 0
            && let Some(first) = burials.first()
            && let Some(more) = state.buried.admit(count as u64)
        {
            warn!(
                sink = self.name,
                count = more,
                "messages of the spool went to the dead letters: {}",
                first.reason
            );
        }
        state.stuck = why;
        state.note_fault();
        for (index, Burial { slot, message, .. }) in burials.into_iter().enumerate() {
            state.release(message.size());
            if index < count {
                state.finish(slot);
            } else if let Some(topic) = state.topics.get_mut(&message.topic) {
                topic.enqueue(slot);
                topic.pause(now + self.bounds.max_backoff);
            }
        }
        state.say_empty(self.name, &self.counters);
    }
}
