//! The line of callers before one target: each waits for what the broker says of its message, and for no longer than its
//! time. Who would wait in vain is told so at once.

use frontier_mq::{Bounds, Cause, Confirm, Message, Outcome, SendError, Sink, SinkConfig};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// While a broker answers nothing, one message goes there in so long: it tells when the broker does again.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// With fewer callers nobody is turned away for how long they would wait: the pace of so few says little.
const MIN_LINE: usize = 256;

/// A target, and who waits for it.
#[derive(Debug)]
pub(crate) struct Line {
    sink: Arc<Sink>,
    desk: Arc<Desk>,
    /// Callers at once.
    places: usize,
}

type Result = std::result::Result<(), SendError>;

/// Who waits.
#[derive(Debug)]
struct Desk {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: u64,
    callers: HashMap<u64, oneshot::Sender<Result>>,
    /// Since when the broker has answered nothing though it was asked.
    silent_since: Option<Instant>,
    /// When the next message may go to a broker that answers nothing.
    probe_at: Instant,
    pace: Pace,
}

/// How many the broker answers in a second, of late.
#[derive(Debug)]
struct Pace {
    since: Instant,
    count: u32,
    per_second: Option<f64>,
}

impl Line {
    /// Starts the sink, within the runtime of the caller.
    pub(crate) fn start(config: &SinkConfig, places: usize) -> std::result::Result<Self, String> {
        let desk = Arc::new(Desk { state: Mutex::new(State::new(Instant::now())) });
        let sink = Sink::start(config, desk.clone()).map_err(|error| error.to_string())?;
        Ok(Self { sink: Arc::new(sink), desk, places })
    }

    pub(crate) fn sink(&self) -> &Arc<Sink> {
        &self.sink
    }

    /// Callers that wait.
    pub(crate) fn len(&self) -> usize {
        self.desk.state.lock().callers.len()
    }

    /// Sends a message, for which the caller has so much time. What the broker says comes later; it comes within that time.
    ///
    /// # Errors
    /// [`SendError`] where it was not sent.
    pub(crate) fn send(
        &self,
        message: Message,
        within: Duration,
    ) -> std::result::Result<oneshot::Receiver<Result>, SendError> {
        let (sender, receiver) = oneshot::channel();
        let number = self.desk.state.lock().admit(sender, self.places, within, Instant::now());
        let number = number.map_err(|(cause, text)| {
            let name = self.sink.name();
            match self.sink.status().away {
                Some((since, why)) if cause == Cause::Busy => {
                    let since = since.as_secs_f64();
                    let text = format!("{name}: the broker is not connected for {since:.1} s: {why}");
                    SendError::new(Cause::NotConnected, text)
                }
                _ => SendError::new(cause, format!("{name}: {text}")),
            }
        })?;
        match self.sink.send(message, Some(number), within) {
            Ok(()) => Ok(receiver),
            Err(error) => {
                self.desk.state.lock().withdraw(number);
                Err(error)
            }
        }
    }
}

impl State {
    fn new(now: Instant) -> Self {
        let pace = Pace { since: now, count: 0, per_second: None };
        Self { next: 0, callers: HashMap::new(), silent_since: None, probe_at: now, pace }
    }

    /// The number under which the caller hears of its message, unless it would wait in vain.
    fn admit(
        &mut self,
        caller: oneshot::Sender<Result>,
        places: usize,
        within: Duration,
        now: Instant,
    ) -> std::result::Result<u64, (Cause, String)> {
        if self.callers.len() >= places {
            return Err((
                Cause::Overloaded,
                format!("{places} callers wait, the most there may be (relay.inflight)"),
            ));
        }
        let silent = self.silent_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        if silent > within {
            if now < self.probe_at {
                let text = format!("the broker has answered nothing for {:.1} s", silent.as_secs_f64());
                return Err((Cause::Busy, text));
            }
            self.probe_at = now + PROBE_INTERVAL;
        }
        let wait = self.pace.wait(self.callers.len(), now);
        if wait > within {
            let text = format!(
                "{} callers wait, for {:.1} s at the pace of the broker",
                self.callers.len(),
                wait.as_secs_f64()
            );
            return Err((Cause::Overloaded, text));
        }
        self.silent_since.get_or_insert(now);
        let number = self.next;
        self.next += 1;
        self.callers.insert(number, caller);
        Ok(number)
    }

    /// Nothing was asked of the broker.
    fn withdraw(&mut self, number: u64) {
        self.callers.remove(&number);
        if self.callers.is_empty() {
            self.silent_since = None;
        }
    }

    fn ended(&mut self, outcomes: Vec<Outcome>, now: Instant) -> Vec<(oneshot::Sender<Result>, Result)> {
        let answered = outcomes.iter().filter(|it| is_answer(&it.result)).count();
        let of_callers = outcomes
            .into_iter()
            .filter_map(|Outcome { token, result }| Some((self.callers.remove(&token)?, result)));
        let of_callers = of_callers.collect();
        if answered > 0 {
            self.silent_since = (!self.callers.is_empty()).then_some(now);
            self.pace.note(answered, now);
        }
        of_callers
    }
}

/// Whether the broker has said so, and not a clock.
fn is_answer(result: &Result) -> bool {
    match result {
        Ok(()) => true,
        Err(error) => matches!(
            error.cause,
            Cause::TooLarge | Cause::NoTarget | Cause::Denied | Cause::Refused | Cause::Busy
        ),
    }
}

impl Pace {
    fn note(&mut self, count: usize, now: Instant) {
        self.count = self.count.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= Duration::from_secs(1) {
            self.per_second = Some(f64::from(self.count) / elapsed.as_secs_f64());
            (self.since, self.count) = (now, 0);
        }
    }

    /// How long a caller would wait behind so many; nothing where that can't be told.
    fn wait(&self, callers: usize, now: Instant) -> Duration {
        // What was so a while ago says nothing.
        let is_fresh = now.saturating_duration_since(self.since) < Duration::from_secs(3);
        let callers = u32::try_from(callers).unwrap_or(u32::MAX);
        match self.per_second.filter(|_| is_fresh && callers as usize >= MIN_LINE) {
            Some(per_second) if per_second > 0.0 => {
                Duration::try_from_secs_f64(f64::from(callers) / per_second).unwrap_or(Duration::MAX)
            }
            _ => Duration::ZERO,
        }
    }
}

impl Confirm for Desk {
    fn ended(&self, outcomes: Vec<Outcome>) {
        let ended = self.state.lock().ended(outcomes, Instant::now());
        for (caller, result) in ended {
            // One that has left hears nothing.
            let _ = caller.send(result);
        }
    }
}

/// What is said of the time that messages of a relay may have, beside the bounds of its broker.
pub(crate) fn bounds(bounds: Bounds, places: usize) -> Bounds {
    Bounds { messages: bounds.messages.max(places), ..bounds }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Duration = Duration::from_secs(6);

    fn admit(state: &mut State, places: usize, now: Instant) -> std::result::Result<u64, Cause> {
        let (sender, _) = oneshot::channel();
        state.admit(sender, places, BUDGET, now).map_err(|(cause, _)| cause)
    }

    fn end(state: &mut State, numbers: impl IntoIterator<Item = u64>, result: &Result, now: Instant) {
        let outcomes = numbers.into_iter().map(|token| Outcome { token, result: result.clone() });
        state.ended(outcomes.collect(), now);
    }

    #[test]
    fn there_are_so_many_places() {
        let now = Instant::now();
        let mut state = State::new(now);
        assert_eq!([admit(&mut state, 2, now), admit(&mut state, 2, now)], [Ok(0), Ok(1)]);
        assert_eq!(admit(&mut state, 2, now), Err(Cause::Overloaded));
        end(&mut state, [0], &Ok(()), now);
        assert_eq!(admit(&mut state, 2, now), Ok(2));
    }

    #[test]
    fn a_broker_that_answers_nothing_gets_one_message_a_second() {
        let start = Instant::now();
        let mut state = State::new(start);
        admit(&mut state, 10, start).unwrap();
        // Not longer than this caller waits.
        admit(&mut state, 10, start + BUDGET).unwrap();
        let unanswered = Err(SendError::new(Cause::Unanswered, ""));
        end(&mut state, [0, 1], &unanswered, start + 2 * BUDGET);
        let mut admitted = 0;
        for tenths in 0..30 {
            let now = start + 2 * BUDGET + tenths * Duration::from_millis(100);
            match admit(&mut state, 1000, now) {
                Ok(_) => admitted += 1,
                Err(cause) => assert_eq!(cause, Cause::Busy),
            }
        }
        assert_eq!(admitted, 3);
        end(&mut state, [2], &Ok(()), start + 3 * BUDGET);
        admit(&mut state, 1000, start + 3 * BUDGET).unwrap();
        admit(&mut state, 1000, start + 3 * BUDGET).unwrap();
    }

    #[test]
    fn who_would_wait_too_long_is_told_so() {
        let start = Instant::now();
        let mut state = State::new(start);
        for number in 0..1000 {
            assert_eq!(admit(&mut state, 10_000, start), Ok(number));
        }
        // Ten in a second: those behind would wait a hundred.
        let now = start + Duration::from_secs(1);
        end(&mut state, 0..10, &Ok(()), now);
        assert_eq!(admit(&mut state, 10_000, now), Err(Cause::Overloaded));
        end(&mut state, 10..900, &Ok(()), now + Duration::from_secs(1));
        admit(&mut state, 10_000, now + Duration::from_secs(1)).unwrap();
    }
}
