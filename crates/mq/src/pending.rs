//! Messages of a sink that wait, and those that the broker has and has not confirmed.
//!
//! ```text
//!   send ─▶ waiting ──take──▶ in flight ──answer──▶ ended
//!              │ ▲               │  │
//!              │ └──put back─────┘  │ (the connection was lost, or the broker did not look at it)
//!              └────deadline────────┴──▶ ended
//! ```

mod admission;
mod connection;
mod deadlines;

use crate::metrics::{SinkMetrics, SinkStatus};
use crate::{Bounds, Cause, Confirm, Message, Outcome, SendError};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How many ends are told at once.
const CHUNK: usize = 256;

/// What is pending at a sink.
#[derive(Debug)]
pub(crate) struct Pending {
    name: &'static str,
    bounds: Bounds,
    state: Mutex<State>,
    /// Something waits.
    waiting: Notify,
    confirm: Arc<dyn Confirm>,
    metrics: SinkMetrics,
    /// Somebody keeps what can't go out at once: nothing waits here for a broker, and what is told of a message is what
    /// became of this attempt.
    is_kept: bool,
}

#[derive(Debug)]
struct State {
    /// In the order of their numbers.
    waiting: VecDeque<(u64, Entry)>,
    in_flight: BTreeMap<u64, Entry>,
    /// What both count for, and what is reserved.
    bytes: usize,
    /// The number of the next message.
    next: u64,
    /// No deadline is earlier.
    next_deadline: Option<Instant>,
    /// Since when the broker owes an answer and has given none.
    silent_since: Option<Instant>,
    away: Option<Away>,
    /// The broker is there and takes nothing, for the reason that it has given.
    blocked: Option<Away>,
    is_closing: bool,
}

#[derive(Clone, Debug)]
struct Away {
    since: Instant,
    cause: Arc<str>,
}

#[derive(Debug)]
struct Entry {
    message: Arc<Message>,
    token: Option<u64>,
    came: Instant,
    deadline: Instant,
    size: usize,
}

/// What a broker has said of the message of that number.
pub(crate) type Answer = (u64, Result<(), SendError>);

impl Pending {
    pub(crate) fn new(name: &'static str, bounds: Bounds, confirm: Arc<dyn Confirm>) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            in_flight: BTreeMap::new(),
            bytes: 0,
            next: 1,
            next_deadline: None,
            silent_since: None,
            away: Some(Away { since: Instant::now(), cause: "not connected yet".into() }),
            blocked: None,
            is_closing: false,
        };
        Self {
            name,
            bounds,
            state: Mutex::new(state),
            waiting: Notify::new(),
            confirm,
            metrics: SinkMetrics::default(),
            is_kept: false,
        }
    }

    /// Of a sink with a spool, which is told of each attempt, and counts what becomes of messages by itself.
    pub(crate) fn kept(mut self) -> Self {
        self.is_kept = true;
        self
    }

    /// Whether there is a broker that takes messages.
    pub(crate) fn is_ready(&self) -> bool {
        let state = self.state.lock();
        state.away.is_none() && state.blocked.is_none() && !state.is_closing
    }

    fn count_failure(&self, cause: Cause) {
        if !self.is_kept {
            self.metrics.fail(cause);
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) fn metrics(&self) -> &SinkMetrics {
        &self.metrics
    }

    pub(crate) fn status(&self) -> SinkStatus {
        let state = self.state.lock();
        SinkStatus {
            away: state.away.as_ref().map(|away| (away.since.elapsed(), away.cause.to_string())),
            blocked: state.blocked.as_ref().map(|it| (it.since.elapsed(), it.cause.to_string())),
            waiting: state.waiting.len(),
            in_flight: state.in_flight.len(),
            bytes: state.bytes,
        }
    }

    /// Takes a message, of which `reserved` bytes are counted already. With a token its end is told.
    pub(crate) fn send(
        &self,
        message: Message,
        token: Option<u64>,
        timeout: Duration,
        reserved: usize,
    ) -> Result<(), SendError> {
        let now = Instant::now();
        let size = message.size();
        let mut state = self.state.lock();
        state.bytes -= reserved;
        self.admit(&state, size).inspect_err(|error| self.count_failure(error.cause))?;
        let deadline = now + timeout.min(self.bounds.timeout);
        let number = state.next;
        state.next += 1;
        state.bytes += size;
        state.next_deadline = Some(state.next_deadline.map_or(deadline, |next| next.min(deadline)));
        let entry = Entry { message: Arc::new(message), token, came: now, deadline, size };
        state.waiting.push_back((number, entry));
        drop(state);
        if !self.is_kept {
            self.metrics.took();
        }
        self.waiting.notify_one();
        Ok(())
    }

    /// Waits until something waits, and gives as many messages as that, each with its number: they are in flight from
    /// here on.
    ///
    /// # Cancel safety
    /// Cancel safe: without an end nothing was taken.
    pub(crate) async fn take(&self, messages: usize, bytes: usize) -> Vec<(u64, Arc<Message>)> {
        loop {
            let taken = self.take_now(messages, bytes);
            if !taken.is_empty() {
                return taken;
            }
            self.waiting.notified().await;
        }
    }

    fn take_now(&self, messages: usize, bytes: usize) -> Vec<(u64, Arc<Message>)> {
        let mut state = self.state.lock();
        let (mut taken, mut size) = (Vec::new(), 0);
        while let Some((_, entry)) = state.waiting.front() {
            if taken.len() >= messages || (!taken.is_empty() && size + entry.size > bytes) {
                // There is more, for whoever comes next.
                self.waiting.notify_one();
                break;
            }
            size += entry.size;
            let Some((number, mut entry)) = state.waiting.pop_front() else { break };
            if self.is_kept {
                // It may have waited for longer than that.
                entry.deadline = Instant::now() + self.bounds.timeout;
                let next = state.next_deadline.map_or(entry.deadline, |next| next.min(entry.deadline));
                state.next_deadline = Some(next);
            }
            taken.push((number, entry.message.clone()));
            state.in_flight.insert(number, entry);
        }
        if !taken.is_empty() && state.silent_since.is_none() {
            state.silent_since = Some(Instant::now());
        }
        taken
    }

    /// The broker has answered these. What nobody waits for any more is left out.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut answers = answers.into_iter();
        loop {
            let (mut outcomes, mut is_over) = (Vec::new(), true);
            {
                let now = Instant::now();
                let mut state = self.state.lock();
                for (number, result) in answers.by_ref().take(CHUNK) {
                    is_over = false;
                    state.silent_since = Some(now);
                    let Some(entry) = state.in_flight.remove(&number) else { continue };
                    self.end(&mut state, entry, result, now, &mut outcomes);
                }
                if state.in_flight.is_empty() {
                    state.silent_since = None;
                }
            }
            self.tell(outcomes);
            if is_over {
                return;
            }
        }
    }

    /// The broker has everything in flight up to that number.
    #[cfg(feature = "nats")]
    pub(crate) fn confirm_through(&self, number: u64) {
        let numbers: Vec<u64> =
            self.state.lock().in_flight.range(..=number).map(|(number, _)| *number).collect();
        self.answer(numbers.into_iter().map(|number| (number, Ok(()))));
    }

    /// The broker does not take those in flight for which `is_refused` holds.
    #[cfg(feature = "nats")]
    pub(crate) fn refuse(&self, is_refused: impl Fn(&Message) -> bool, error: &SendError) {
        let state = self.state.lock();
        let refused = state.in_flight.iter().filter(|(_, entry)| is_refused(&entry.message));
        let numbers: Vec<u64> = refused.map(|(number, _)| *number).collect();
        drop(state);
        self.answer(numbers.into_iter().map(|number| (number, Err(error.clone()))));
    }

    /// The broker has not looked at these: they wait again, where they were.
    #[cfg(any(feature = "amqp", feature = "kafka", feature = "nsq", feature = "redis"))]
    pub(crate) fn put_back(&self, numbers: impl IntoIterator<Item = u64>) {
        let mut state = self.state.lock();
        let mut back: Vec<_> = numbers
            .into_iter()
            .filter_map(|number| state.in_flight.remove(&number).map(|entry| (number, entry)))
            .collect();
        back.sort_unstable_by_key(|(number, _)| *number);
        Self::wait_again(&mut state, back);
        drop(state);
        self.waiting.notify_one();
    }

    /// Takes back those that wait and for which `is_meant` holds by their tokens and topics: nothing is told of them. Their tokens, in
    /// their order.
    pub(crate) fn recall(&self, is_meant: impl Fn(u64, &str) -> bool) -> Vec<u64> {
        let mut state = self.state.lock();
        let (mut recalled, mut bytes) = (Vec::new(), 0);
        state.waiting.retain(|(_, entry)| {
            let token = entry.token.filter(|token| is_meant(*token, &entry.message.topic));
            if let Some(token) = token {
                recalled.push(token);
                bytes += entry.size;
            }
            token.is_none()
        });
        state.bytes -= bytes;
        recalled
    }

    /// In front of what waits already, which came later.
    fn wait_again(state: &mut State, back: Vec<(u64, Entry)>) {
        for it in back.into_iter().rev() {
            state.waiting.push_front(it);
        }
        if state.in_flight.is_empty() {
            state.silent_since = None;
        }
    }

    /// From here on nothing is taken.
    pub(crate) fn close(&self) {
        self.state.lock().is_closing = true;
    }

    /// How many messages are pending.
    pub(crate) fn len(&self) -> usize {
        let state = self.state.lock();
        state.waiting.len() + state.in_flight.len()
    }

    /// Ends whatever is left.
    pub(crate) fn end_everything(&self) {
        self.close();
        let (waiting, flying) = {
            let mut state = self.state.lock();
            (std::mem::take(&mut state.waiting), std::mem::take(&mut state.in_flight))
        };
        let name = self.name;
        self.end_all(waiting.into_iter().map(|(_, entry)| entry), |_| {
            SendError::new(Cause::Closing, format!("{name}: the gateway stopped before the message was sent"))
        });
        self.end_all(flying.into_values(), |_| {
            let text =
                format!("{name}: the gateway stopped before the broker answered; it may have the message");
            SendError::new(Cause::Lost, text)
        });
    }

    /// Ends entries that stand in no table any more.
    fn end_all(&self, entries: impl IntoIterator<Item = Entry>, error: impl Fn(&Entry) -> SendError) {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let now = Instant::now();
            let mut outcomes = Vec::new();
            for entry in entries.by_ref().take(CHUNK) {
                let error = error(&entry);
                self.end(&mut self.state.lock(), entry, Err(error), now, &mut outcomes);
            }
            self.tell(outcomes);
        }
    }

    fn end(
        &self,
        state: &mut State,
        entry: Entry,
        result: Result<(), SendError>,
        now: Instant,
        outcomes: &mut Vec<Outcome>,
    ) {
        state.bytes -= entry.size;
        match &result {
            Ok(()) => self.metrics.confirm(entry.took(now)),
            Err(error) => self.count_failure(error.cause),
        }
        if let Some(token) = entry.token {
            outcomes.push(Outcome { token, result });
        }
    }

    /// Under no lock.
    fn tell(&self, outcomes: Vec<Outcome>) {
        if !outcomes.is_empty() {
            self.confirm.ended(outcomes);
        }
    }
}

impl Entry {
    fn took(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.came)
    }
}

#[cfg(test)]
mod tests;
