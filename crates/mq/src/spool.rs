//! The spool of a sink: what its broker can't take at once is written to disk, acked then, and sent when the broker takes it.
//!
//! ```text
//!   send ─▶ Topic: idle ──▶ Pending ─▶ the broker
//!             │     ▲          │
//!   (away,    │     │          ├─ confirmed ─▶ the ack, or done on disk
//!    or slow) ▼     │ read     └─ failed ────▶ idle again, and to disk
//!           Worker ─┴─▶ Log: segments
//! ```
//!
//! - Messages of a topic go out in the order in which they came: while some of a topic are on disk, the next ones go there too. Other
//!   topics do not wait for it.
//! - A message that the broker has not confirmed within [`after`](SpoolConfig::after) is written while it is at the broker, and
//!   acked; it is done when the broker confirms it all the same.
//! - One thread writes, reads and deletes: whatever waits is written together, with one sync. Nobody else waits for the disk.
//! - What is held in memory is bounded as what is pending is, by [`Bounds`].
//!
//! Locks: that of the spool, then that of [`Pending`]. [`Confirm`] is called under none.

mod dead;
mod ends;
mod log;
mod metrics;
mod record;
mod room;
mod segment;
mod state;
mod time;
mod topic;
mod worker;

pub use log::SpoolError;
pub use metrics::{SpoolCount, SpoolStatus};

use crate::pending::Pending;
use crate::{Bounds, Cause, Confirm, Message, MessageId, Outcome, SendError, SpoolConfig, WhenFull};
use dead::Burial;
use log::{Found, Log};
use metrics::SpoolCounters;
use parking_lot::{Condvar, Mutex};
use state::{State, Write};
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::time::Instant;
use topic::{Disk, Entry};
use tracing::{info, warn};

/// How many ends are told at once.
const CHUNK: usize = 256;

/// A message that is longer can't be written.
const MAX_MESSAGE: usize = 1 << 30;

/// A spool that is open, and not in use yet.
pub struct OpenSpool {
    config: SpoolConfig,
    log: Log,
    found: Found,
}

impl OpenSpool {
    /// Opens the spool of a sink of this name, and reads what it holds. Blocks for as long as that takes.
    ///
    /// # Errors
    /// [`SpoolError`] where another process has it, or the folder can't be used.
    pub fn open(name: &str, config: &SpoolConfig) -> Result<Self, SpoolError> {
        let (log, found) = Log::open(&config.path, config.segment_size())?;
        for line in &found.damage {
            warn!(sink = name, "the spool is damaged: {line}");
        }
        if !found.messages.is_empty() {
            let (messages, folder) = (found.messages.len(), config.path.display());
            info!(sink = name, messages, %folder, "the spool holds messages, which go to the broker first");
        }
        Ok(Self { config: config.clone(), log, found })
    }
}

impl fmt::Debug for OpenSpool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSpool").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A spool in use.
#[derive(Debug)]
pub(crate) struct Spool {
    name: &'static str,
    config: SpoolConfig,
    bounds: Bounds,
    confirm: Arc<dyn Confirm>,
    /// Weak, since it has this.
    pending: OnceLock<Weak<Pending>>,
    state: Mutex<State>,
    /// There is something for the worker.
    work: Condvar,
    counters: SpoolCounters,
    /// Tells the messages of this start from all others.
    boot: u64,
}

impl Spool {
    /// Starts it within the runtime of the caller, with a thread of its own.
    pub(crate) fn start(
        name: &'static str,
        bounds: Bounds,
        open: OpenSpool,
        confirm: Arc<dyn Confirm>,
    ) -> Result<(Arc<Self>, Arc<Pending>), String> {
        let OpenSpool { config, log, found } = open;
        let spool = Self {
            name,
            bounds,
            confirm,
            pending: OnceLock::new(),
            state: Mutex::new(State::of(&found)),
            work: Condvar::new(),
            counters: SpoolCounters::default(),
            boot: rand::random(),
            config,
        };
        spool.counters.add(SpoolCount::Damaged, found.damage.len() as u64);
        let spool = Arc::new(spool);
        let pending = Arc::new(Pending::new(name, bounds, spool.clone()).kept());
        // Set once.
        let _ = spool.pending.set(Arc::downgrade(&pending));
        worker::spawn(spool.clone(), log).map_err(|error| format!("no thread for the spool: {error}"))?;
        Ok((spool, pending))
    }

    /// Takes a message, whose end is told with `token` if there is one.
    pub(crate) fn send(
        &self,
        message: Message,
        token: Option<u64>,
        timeout: Duration,
    ) -> Result<(), SendError> {
        let sent = self.try_send(message, token, timeout);
        match &sent {
            Ok(()) => self.with_metrics(|metrics| metrics.took()),
            Err(error) => self.count_failure(error),
        }
        sent
    }

    fn try_send(&self, message: Message, token: Option<u64>, timeout: Duration) -> Result<(), SendError> {
        let now = Instant::now();
        let (size, name) = (message.size(), message.topic.clone());
        let mut state = self.state.lock();
        self.admit(&state, size)?;
        let sequence = state.number();
        let message = Message { id: Some(MessageId { boot: self.boot, number: sequence }), ..message };
        let timeout = timeout.min(self.bounds.timeout);
        let spill_at = now + self.config.after.min(timeout / 2);
        let entry = Entry {
            message,
            token,
            time: time::since_1970(),
            spill_at: Some(spill_at),
            deadline: now + timeout,
            disk: Disk::No,
            is_given_up: false,
        };
        state.hold(size);
        state.look_at(spill_at);
        state.topics.entry(name.clone()).or_default().idle.insert(sequence, entry);
        self.pump(&mut state, &name, now);
        let is_idle = state.topics.get(&name).is_some_and(|topic| topic.idle.contains_key(&sequence));
        if is_idle && let Err(error) = self.spill(&mut state, &name, sequence) {
            if let Some(entry) = state.topics.get_mut(&name).and_then(|topic| topic.idle.remove(&sequence)) {
                state.release(entry.message.size());
            }
            state.forget(&name);
            return Err(error);
        }
        Ok(())
    }

    fn admit(&self, state: &State, size: usize) -> Result<(), SendError> {
        let (name, Bounds { messages, bytes, .. }) = (self.name, self.bounds);
        if state.is_closing {
            return Err(SendError::new(Cause::Closing, format!("{name} takes no more: the gateway stops")));
        }
        if size > bytes || size > MAX_MESSAGE {
            let text = format!(
                "{name}: a message that counts for {size} bytes is over what all may (max_inflight_size, {bytes}), or a \
                 spool takes ({MAX_MESSAGE})"
            );
            return Err(SendError::new(Cause::TooLarge, text));
        }
        if state.held.messages >= messages || state.held.bytes + size > bytes {
            let text = format!(
                "{name} holds {} messages with {} bytes in memory, and may have {messages} and {bytes} (max_inflight, \
                 max_inflight_size): broker and disk are too slow",
                state.held.messages, state.held.bytes
            );
            return Err(SendError::new(Cause::Overloaded, text));
        }
        Ok(())
    }

    /// Has a message written, which is in memory.
    fn spill(&self, state: &mut State, name: &Arc<str>, sequence: u64) -> Result<(), SendError> {
        let Some(entry) = state.topics.get_mut(name).and_then(|topic| topic.get_mut(sequence)) else {
            return Ok(());
        };
        if entry.disk != Disk::No {
            return Ok(());
        }
        let size = entry.message.size() as u64;
        let (queued, bytes) = state.room.queued();
        // The other half is for those who do not wait for the disk; one alone may have all.
        if queued > 0
            && (queued >= self.bounds.messages.div_ceil(2) || bytes + size > self.bounds.bytes as u64 / 2)
        {
            self.counters.add(SpoolCount::Refused, 1);
            let text = format!(
                "{}: the broker can't take it now, and {queued} messages wait for the disk of its spool already, as \
                 many as may (half of max_inflight, half of max_inflight_size)",
                self.name
            );
            return Err(SendError::new(Cause::Overloaded, text));
        }
        self.make_room(state, size)?;
        if let Some(entry) = state.topics.get_mut(name).and_then(|topic| topic.get_mut(sequence)) {
            (entry.disk, entry.spill_at) = (Disk::Writing, None);
        }
        state.room.queue(size);
        state.to_write.push_back(Write { sequence, topic: name.clone(), size });
        state.say_used(
            self.name,
            &self.config,
            &self.counters,
            self.pending().map(|pending| pending.status()),
        );
        self.work.notify_one();
        Ok(())
    }

    fn make_room(&self, state: &mut State, size: u64) -> Result<(), SendError> {
        let SpoolConfig { max_messages, max_size, when_full, path, .. } = &self.config;
        while !state.room.fits(size, *max_messages, *max_size) {
            let dropped = if *when_full == WhenFull::DropOldest { state.drop_oldest() } else { 0 };
            if dropped == 0 {
                self.counters.add(SpoolCount::Refused, 1);
                let (messages, bytes) = (state.room.messages(), state.room.bytes());
                if let Some(count) = state.refused.admit(1) {
                    let (sink, folder) = (self.name, path.display());
                    warn!(sink, messages, bytes, count, %folder, "the spool is full: messages are refused");
                }
                let text = format!(
                    "{}: the broker can't take it now, and the spool is full, with {messages} messages and {bytes} bytes",
                    self.name
                );
                return Err(SendError::new(Cause::Overloaded, text));
            }
            self.counters.add(SpoolCount::Dropped, dropped);
            self.work.notify_one();
            if let Some(count) = state.dropped.admit(dropped) {
                warn!(sink = self.name, count, "the spool is full: its oldest messages were dropped");
            }
        }
        Ok(())
    }

    /// Sends what may go out of a topic.
    fn pump(&self, state: &mut State, name: &Arc<str>, now: Instant) {
        let Some(pending) = self.pending() else { return };
        let Some(topic) = state.topics.get_mut(name).filter(|topic| topic.may_go(now)) else { return };
        while let Some(sequence) = topic.next() {
            let Some(entry) = topic.idle.get(&sequence) else { return };
            // It is told apart from what came before by its number, and has an end whatever becomes of it.
            let sent = pending.send(entry.message.clone(), Some(sequence), self.bounds.timeout, 0);
            match (sent, entry.disk) {
                (Ok(()), _) => {}
                // What may be held was more when it came.
                (Err(error), Disk::Yes(slot)) if error.cause == Cause::TooLarge => {
                    if let Some(Entry { message, .. }) = topic.idle.remove(&sequence) {
                        let reason = error.text.as_ref().into();
                        state.to_bury.push(Burial { slot, message, reason, attempts: 0 });
                        self.work.notify_one();
                    }
                    continue;
                }
                (Err(_), _) => return,
            }
            if let Some(entry) = topic.idle.remove(&sequence) {
                topic.flying.insert(sequence, entry);
                state.flying.insert(sequence, name.clone());
            }
        }
    }

    fn pending(&self) -> Option<Arc<Pending>> {
        self.pending.get().and_then(Weak::upgrade)
    }

    fn with_metrics(&self, note: impl FnOnce(&crate::SinkMetrics)) {
        if let Some(pending) = self.pending() {
            note(pending.metrics());
        }
    }

    fn count_failure(&self, error: &SendError) {
        self.with_metrics(|metrics| metrics.fail(error.cause));
    }

    /// Under no lock.
    fn tell(&self, mut outcomes: Vec<Outcome>) {
        while !outcomes.is_empty() {
            let rest = outcomes.split_off(outcomes.len().min(CHUNK));
            self.confirm.ended(outcomes);
            outcomes = rest;
        }
    }

    /// How it is now.
    pub(crate) fn status(&self) -> SpoolStatus {
        let now = time::since_1970();
        let state = self.state.lock();
        let oldest = state.topics.values().filter_map(topic::Topic::oldest).min();
        SpoolStatus {
            messages: state.room.messages(),
            bytes: state.room.bytes(),
            oldest: oldest.map(|time| Duration::from_secs(now.saturating_sub(time).into())),
            stuck: state.stuck.clone(),
            failing: state.failing.clone(),
        }
    }

    /// So many of these.
    pub(crate) fn count(&self, count: SpoolCount) -> u64 {
        self.counters.get(count)
    }

    /// From here on nothing is taken, and nothing more is read.
    pub(crate) fn close(&self) {
        self.state.lock().is_closing = true;
    }

    /// Messages that are neither on disk nor confirmed.
    pub(crate) fn unsettled(&self) -> usize {
        let state = self.state.lock();
        let entries = state.topics.values().flat_map(topic::Topic::entries);
        entries.filter(|entry| !matches!(entry.disk, Disk::Yes(_))).count()
    }

    /// Ends the thread once it has written what there is.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        (state.is_closing, state.is_stopping) = (true, true);
        drop(state);
        self.work.notify_one();
    }

    /// Whether the thread has ended: another process may have the folder now.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state.lock().is_stopped
    }
}

#[cfg(test)]
mod tests;
