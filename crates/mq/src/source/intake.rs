//! What a source holds, between the task that reads, those who receive, and whoever asks how it is.

use super::deliveries::{Dead, Deliveries, Fate, Verdict};
use super::metrics::{SourceCount, SourceMetrics, SourceStatus};
use super::target::{Assignment, Job};
use super::{Answer, Record};
use crate::{DeadLetter, Retry, SourceBounds, SourceConfig};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Records that are read at once, at most.
const BATCH: usize = 256;

/// What a record is taken for in bytes, before any has come.
const FIRST_SIZE: usize = 4 << 10;

/// How often it is looked whether something has ended that nobody is woken for.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What a source holds.
#[derive(Debug)]
pub(crate) struct Intake {
    name: Arc<str>,
    bounds: SourceBounds,
    retry: Retry,
    dead_letter: DeadLetter,
    assignment: Assignment,
    state: Mutex<State>,
    /// Something may be sent, or written to the dead letters.
    work: Notify,
    /// Something has ended, of which the broker is to hear.
    ended: Notify,
    /// There is room again.
    room: Notify,
    /// There are dead letters.
    died: Notify,
    /// Nothing is read or sent any more.
    closing: CancellationToken,
    metrics: SourceMetrics,
}

#[derive(Debug)]
struct State {
    deliveries: Deliveries,
    away: Option<(Instant, Arc<str>)>,
    dead_letters_wait: Option<Arc<str>>,
    /// What the last records had on average, in bytes.
    usual_size: usize,
    /// Ends that the broker is being told.
    telling: usize,
    /// From when on nobody is waited for any more.
    closes_at: Option<Instant>,
    backlog: Option<u64>,
}

impl Intake {
    pub(crate) fn new(config: &SourceConfig) -> Self {
        let state = State {
            deliveries: Deliveries::default(),
            away: Some((Instant::now(), "not connected yet".into())),
            dead_letters_wait: None,
            usual_size: FIRST_SIZE,
            telling: 0,
            closes_at: None,
            backlog: None,
        };
        Self {
            name: config.name.clone(),
            bounds: config.bounds,
            retry: config.retry,
            dead_letter: config.dead_letter.clone(),
            assignment: Assignment::new(config),
            state: Mutex::new(state),
            work: Notify::new(),
            ended: Notify::new(),
            room: Notify::new(),
            died: Notify::new(),
            closing: CancellationToken::new(),
            metrics: SourceMetrics::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn bounds(&self) -> &SourceBounds {
        &self.bounds
    }

    pub(crate) fn dead_letter(&self) -> &DeadLetter {
        &self.dead_letter
    }

    /// The longest pause between attempts.
    pub(crate) fn max_pause(&self) -> Duration {
        self.retry.max
    }

    pub(crate) fn metrics(&self) -> &SourceMetrics {
        &self.metrics
    }

    pub(crate) fn status(&self) -> SourceStatus {
        let state = self.state.lock();
        SourceStatus {
            away: state.away.as_ref().map(|(since, cause)| (since.elapsed(), cause.to_string())),
            dead_letters_wait: state.dead_letters_wait.as_deref().map(str::to_owned),
            held: state.deliveries.held().messages,
            bytes: state.deliveries.held().bytes,
            waiting: state.deliveries.waiting().messages,
            backlog: state.backlog,
        }
    }

    /// Takes what came from the broker, and gives each its number.
    pub(crate) fn take(&self, records: Vec<Record>) -> Vec<u64> {
        let jobs: Vec<Result<Job, String>> =
            records.iter().map(|record| self.assignment.assign(record)).collect();
        let redelivered = records.iter().filter(|record| record.is_redelivered).count();
        self.metrics.add(SourceCount::Received, records.len());
        self.metrics.add(SourceCount::Redelivered, redelivered);
        let now = Instant::now();
        let mut state = self.state.lock();
        let numbers = records
            .into_iter()
            .zip(jobs)
            .map(|(record, job)| {
                state.usual_size = (7 * state.usual_size + record.size()) / 8;
                state.deliveries.take(record, job, now)
            })
            .collect();
        let has_dead = state.deliveries.has_dead();
        drop(state);
        if has_dead {
            self.died.notify_one();
        }
        self.work.notify_one();
        numbers
    }

    /// Waits until records may be read, and how many: 1 at least. Never ready once it is closing.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn room(&self) -> usize {
        loop {
            let room = self.room_now();
            if room > 0 {
                return room;
            }
            self.room.notified().await;
        }
    }

    /// The same at once; 0 for none. Those that wait have places of their own, and beyond these the places of the others.
    pub(crate) fn room_now(&self) -> usize {
        let state = self.state.lock();
        let waiting = state.deliveries.waiting();
        let SourceBounds { waiting: messages, waiting_bytes: bytes, .. } = self.bounds;
        self.beside(&state, waiting.messages.min(messages), waiting.bytes.min(bytes))
    }

    /// [`room_now`](Self::room_now) where the broker was told one number for both, [`SourceBounds::most`]: it may have sent so many
    /// already, and what is not read would keep it from anything else, until it takes this for a connection that is dead.
    #[cfg(any(feature = "amqp", feature = "mqtt"))]
    pub(crate) fn room_of_all(&self) -> usize {
        let SourceBounds { waiting: messages, waiting_bytes: bytes, .. } = self.bounds;
        self.beside(&self.state.lock(), messages, bytes)
    }

    /// Waits until there is [`room_of_all`](Self::room_of_all).
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[cfg(any(feature = "amqp", feature = "mqtt"))]
    pub(crate) async fn has_room_of_all(&self) {
        while self.room_of_all() == 0 {
            self.room.notified().await;
        }
    }

    /// The room where so many messages and bytes may be held beside the bounds of those on their way.
    fn beside(&self, state: &State, messages: usize, bytes: usize) -> usize {
        let held = state.deliveries.held();
        let messages = (self.bounds.messages + messages).saturating_sub(held.messages);
        let bytes = (self.bounds.bytes + bytes).saturating_sub(held.bytes);
        if state.closes_at.is_some() || messages == 0 || bytes == 0 {
            return 0;
        }
        (bytes / state.usual_size.max(1)).clamp(1, BATCH).min(messages)
    }

    /// How many may be held beside the others since they wait, for a broker that is told a number: some more than do, so that
    /// it changes seldom.
    #[cfg(feature = "nsq")]
    pub(crate) fn apart(&self) -> usize {
        let waiting = self.state.lock().deliveries.waiting().messages;
        let apart = if waiting == 0 { 0 } else { waiting.next_power_of_two() };
        apart.min(self.bounds.waiting)
    }

    /// Waits until something has ended, of which the broker is to be told. [`told`](Self::told) says that it was.
    ///
    /// # Cancel safety
    /// Cancel safe: without an end nothing was taken.
    pub(crate) async fn ended(&self) -> Vec<(u64, Verdict)> {
        loop {
            {
                let mut state = self.state.lock();
                let ended = state.deliveries.take_ended();
                if !ended.is_empty() {
                    state.telling += ended.len();
                    return ended;
                }
            }
            self.ended.notified().await;
        }
    }

    /// The broker was told of so many ends, or is not to be told any more.
    pub(crate) fn told(&self, count: usize) {
        let mut state = self.state.lock();
        state.telling = state.telling.saturating_sub(count);
        let is_closing = state.closes_at.is_some();
        drop(state);
        self.room.notify_one();
        if is_closing {
            self.work.notify_one();
        }
    }

    /// The broker gives these out anew, or has them no more.
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    pub(crate) fn forget(&self, numbers: &std::collections::BTreeSet<u64>) {
        self.state.lock().deliveries.forget(numbers);
        self.room.notify_one();
        self.work.notify_one();
    }

    /// So many entries are gone that nobody has acked.
    #[cfg(any(feature = "kafka", feature = "nats", feature = "redis"))]
    pub(crate) fn gone(&self, count: usize, why: &str) {
        if count > 0 {
            warn!(source = &*self.name, messages = count, "{why}");
            self.metrics.add(SourceCount::Gone, count);
        }
    }

    /// What the broker says is to be read yet.
    #[cfg(any(feature = "kafka", feature = "nats", feature = "redis"))]
    pub(crate) fn set_backlog(&self, backlog: Option<u64>) {
        self.state.lock().backlog = backlog;
    }

    /// What a receiver said.
    pub(crate) fn answered(&self, number: u64, answer: Answer) {
        let text = match &answer {
            Answer::Done => String::new(),
            Answer::Absent(text) | Answer::Failed(text) | Answer::Refused(text) => text.clone(),
        };
        let fate = self.state.lock().deliveries.answered(number, answer, &self.retry, Instant::now());
        match fate {
            Some(Fate::Done(after)) => self.metrics.delivered(after),
            Some(Fate::Absent) => self.metrics.add(SourceCount::Absent, 1),
            Some(Fate::Failed) => {
                debug!(source = &*self.name, number, cause = text, "not delivered, and tried again");
                self.metrics.add(SourceCount::Failed, 1);
            }
            Some(Fate::Dead(behind)) => {
                warn!(
                    source = &*self.name,
                    number,
                    cause = text,
                    behind,
                    "given up: it goes to the dead letters, with those behind it"
                );
                self.died.notify_one();
            }
            None => {}
        }
        if matches!(fate, Some(Fate::Done(_))) {
            self.ended.notify_one();
        }
        // It has ended, or waits.
        self.room.notify_one();
        // The next of its key, or the time of its next attempt.
        self.work.notify_one();
    }

    /// What may be sent now, unless it is closing: no more are on their way than the bound of messages.
    pub(crate) fn send(&self, most: usize) -> Vec<(u64, Arc<Job>, Arc<Record>)> {
        let mut state = self.state.lock();
        if state.closes_at.is_some() {
            return Vec::new();
        }
        let most = most.min(self.bounds.messages.saturating_sub(state.deliveries.sent()));
        state.deliveries.send(most, Instant::now())
    }

    /// When the next one that pauses may go.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let state = self.state.lock();
        // Nothing goes any more.
        if state.closes_at.is_some() { None } else { state.deliveries.next_due() }
    }

    /// Waits until there are dead letters.
    pub(crate) async fn died(&self) {
        while !self.state.lock().deliveries.has_dead() {
            self.died.notified().await;
        }
    }

    pub(crate) fn dead(&self, most: usize) -> Vec<Dead> {
        self.state.lock().deliveries.dead(most)
    }

    /// Of these the first so many were written, and why the others were not.
    pub(crate) fn written(&self, dead: &[Dead], count: usize, why: Option<String>, verdict: Verdict) {
        let mut state = self.state.lock();
        let (written, left) = dead.split_at(count.min(dead.len()));
        let buried = written.iter().filter(|dead| state.deliveries.bury(dead.number, verdict)).count();
        state.deliveries.still_dead(left.iter().map(|dead| dead.number));
        let is_news = why.is_some() && state.dead_letters_wait.as_deref() != why.as_deref();
        state.dead_letters_wait = why.as_deref().map(Into::into);
        drop(state);
        let count = match self.dead_letter {
            DeadLetter::Drop => SourceCount::Dropped,
            DeadLetter::File(..) | DeadLetter::Reject => SourceCount::DeadLettered,
        };
        self.metrics.add(count, buried);
        if let Some(why) = why.filter(|_| is_news) {
            warn!(
                source = &*self.name,
                cause = why,
                "dead letters can't be written: they are held until they can"
            );
        }
        self.ended.notify_one();
        self.room.notify_one();
        self.work.notify_one();
    }

    /// Waits until there is something to do for the pump.
    pub(crate) async fn work(&self) {
        self.work.notified().await;
    }

    /// There is a connection.
    pub(crate) fn connected(&self) {
        self.metrics.add(SourceCount::Connects, 1);
        self.state.lock().away = None;
    }

    /// The connection was lost: what was being told is to be told again by whoever knows of it.
    pub(crate) fn lost(&self, cause: &str) {
        self.metrics.add(SourceCount::Losses, 1);
        let mut state = self.state.lock();
        state.away = Some((Instant::now(), cause.into()));
        (state.backlog, state.telling) = (None, 0);
    }

    /// There is still no connection, because of that.
    pub(crate) fn not_yet(&self, cause: &str) {
        if let Some((_, away)) = &mut self.state.lock().away {
            *away = cause.into();
        }
    }

    /// From here on nothing is read or sent, and nobody is waited for beyond `deadline`.
    pub(crate) fn close(&self, deadline: Instant) {
        self.state.lock().closes_at = Some(deadline);
        self.closing.cancel();
        self.room.notify_one();
        self.work.notify_one();
    }

    /// Waits until it is closed, and all that was sent has ended and been told, or the time for that is over.
    pub(crate) async fn finished(&self) {
        self.closing.cancelled().await;
        loop {
            {
                let state = self.state.lock();
                if let Some(deadline) = state.closes_at {
                    let is_quiet =
                        state.deliveries.sent() == 0 && state.telling == 0 && !state.deliveries.has_ended();
                    if is_quiet || Instant::now() >= deadline {
                        return;
                    }
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
