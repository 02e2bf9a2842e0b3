//! Messages that come with a key are sent once, however often they come: what became of them is remembered for a while.
//!
//! ```text
//!   unknown ──(first)──▶ running ──(confirmed, or nobody knows)──▶ ended: the same answer again
//!      ▲                    │
//!      └──(not stored)──────┘
//! ```
//!
//! A caller that has had no answer may ask again, and says how long ago it first did. Where that is longer ago than what is
//! remembered, nobody can tell any more whether the message was sent, and it is not sent again.

use crate::{Answer, Fault};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A repeat may be on its way for so long, from when its age was told.
const SLACK: Duration = Duration::from_secs(1);

/// The keys that are known.
#[derive(Debug)]
pub(crate) struct Keys {
    capacity: usize,
    window: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    known: HashMap<Arc<str>, Entry>,
    /// In the order in which they came; some are not known any more.
    order: VecDeque<(Instant, Arc<str>, u64)>,
    next: u64,
    /// Whatever came later is known.
    complete_since: Instant,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    answer: watch::Receiver<Option<Answer>>,
}

/// What is to be done with a message.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is sent, and the ticket told what became of it.
    First(Ticket),
    /// It was sent, or is being: this is or will be the answer.
    Again(watch::Receiver<Option<Answer>>),
    /// It is not sent.
    Refused(Answer),
}

/// The right to send a message, and the duty to say what became of it.
#[derive(Debug)]
pub(crate) struct Ticket {
    keys: Arc<Keys>,
    key: Arc<str>,
    number: u64,
    answer: watch::Sender<Option<Answer>>,
}

impl Keys {
    pub(crate) fn new(capacity: usize, window: Duration, now: Instant) -> Self {
        let state = State { known: HashMap::new(), order: VecDeque::new(), next: 0, complete_since: now };
        Self { capacity, window, state: Mutex::new(state) }
    }

    /// Whether the message of this user and key is to be sent.
    pub(crate) fn claim(
        self: &Arc<Self>,
        user: &str,
        key: &str,
        repeat_age: Option<Duration>,
        now: Instant,
    ) -> Claim {
        let key: Arc<str> = format!("{user}\n{key}").into();
        let mut state = self.state.lock();
        self.forget(&mut state, now, self.capacity);
        if let Some(entry) = state.known.get(&key) {
            return Claim::Again(entry.answer.clone());
        }
        if repeat_age.is_some_and(|age| !state.remembers(age, now)) {
            let text = "it is not known here any more whether this message was sent; it was not sent again";
            return Claim::Refused(Answer::new(Fault::Forgotten, text));
        }
        // There has to be room for one more.
        self.forget(&mut state, now, self.capacity - 1);
        if state.known.len() >= self.capacity {
            let text = "too many messages with a key are on their way (relay.keys)";
            return Claim::Refused(Answer::new(Fault::Overloaded, text));
        }
        if state.order.len() >= 2 * self.capacity {
            // What may be tried anew has left its place there.
            let State { known, order, .. } = &mut *state;
            order.retain(|(_, key, number)| known.get(key).is_some_and(|entry| entry.number == *number));
        }
        let (answer, receiver) = watch::channel(None);
        let number = state.next;
        state.next += 1;
        state.order.push_back((now, key.clone(), number));
        state.known.insert(key.clone(), Entry { number, answer: receiver });
        Claim::First(Ticket { keys: self.clone(), key, number, answer })
    }

    /// Forgets what is too old, and the oldest of more than `most`. What is running stays.
    fn forget(&self, state: &mut State, now: Instant, most: usize) {
        while let Some((since, key, number)) = state.order.front() {
            let entry = state.known.get(key).filter(|entry| entry.number == *number);
            let is_old = now.saturating_duration_since(*since) > self.window;
            let is_full = state.known.len() > most;
            match entry {
                None => {}
                Some(entry) if (is_old || is_full) && entry.answer.borrow().is_some() => {
                    state.complete_since = state.complete_since.max(*since);
                    let key = key.clone();
                    state.known.remove(&key);
                }
                Some(_) => return,
            }
            state.order.pop_front();
        }
    }
}

impl State {
    /// Whether what was first tried so long ago would be known if it had come.
    fn remembers(&self, age: Duration, now: Instant) -> bool {
        now.checked_sub(age.saturating_add(SLACK)).is_some_and(|first| first > self.complete_since)
    }
}

impl Ticket {
    /// This became of it.
    pub(crate) fn end(self, answer: Answer) {
        if answer.fault.is_some() && !answer.may_be_stored() {
            // It may be tried anew.
            self.forget();
        }
        self.answer.send_replace(Some(answer));
    }

    fn forget(&self) {
        let mut state = self.keys.state.lock();
        if state.known.get(&self.key).is_some_and(|entry| entry.number == self.number) {
            state.known.remove(&self.key);
        }
    }
}

impl Drop for Ticket {
    /// Whoever should have said what became of it has failed.
    fn drop(&mut self) {
        if self.answer.borrow().is_none() {
            let text = "the relay has failed, and may have sent the message";
            self.answer.send_replace(Some(Answer::new(Fault::Lost, text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn keys(capacity: usize, now: Instant) -> Arc<Keys> {
        Arc::new(Keys::new(capacity, WINDOW, now))
    }

    fn first(claim: Claim) -> Ticket {
        match claim {
            Claim::First(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn again(claim: Claim) -> Option<Answer> {
        match claim {
            Claim::Again(answer) => answer.borrow().clone(),
            other => panic!("{other:?}"),
        }
    }

    fn refused(claim: Claim) -> Option<Fault> {
        match claim {
            Claim::Refused(answer) => answer.fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_key_is_sent_once() {
        let now = Instant::now();
        let keys = keys(10, now);
        let ticket = first(keys.claim("u", "k", None, now));
        assert_eq!(again(keys.claim("u", "k", None, now)), None, "it is on its way");
        let of_another = first(keys.claim("v", "k", None, now));
        ticket.end(Answer::OK);
        assert_eq!(again(keys.claim("u", "k", None, now + WINDOW)), Some(Answer::OK));
        // Whoever fails may have sent it.
        drop(of_another);
        assert_eq!(again(keys.claim("v", "k", None, now)).and_then(|it| it.fault), Some(Fault::Lost));
    }

    #[test]
    fn what_was_not_stored_may_be_tried_anew() {
        let now = Instant::now();
        let keys = keys(10, now);
        first(keys.claim("u", "k", None, now)).end(Answer::new(Fault::Busy, ""));
        let ticket = first(keys.claim("u", "k", None, now));
        ticket.end(Answer::new(Fault::Unanswered, ""));
        assert_eq!(again(keys.claim("u", "k", None, now)).and_then(|it| it.fault), Some(Fault::Unanswered));
    }

    #[test]
    fn what_fails_again_and_again_takes_no_room() {
        let now = Instant::now();
        let keys = keys(10, now);
        first(keys.claim("u", "stays", None, now)).end(Answer::OK);
        for number in 0..1000 {
            first(keys.claim("u", &number.to_string(), None, now)).end(Answer::new(Fault::Busy, ""));
        }
        let state = keys.state.lock();
        assert!(state.known.len() == 1 && state.order.len() <= 20, "{}", state.order.len());
    }

    #[test]
    fn what_is_forgotten_is_not_sent_again() {
        let start = Instant::now();
        let keys = keys(10, start);
        let seconds = Duration::from_secs;
        let now = start + seconds(20);
        // Before this relay had begun, or so shortly after that nobody can tell.
        assert_eq!(refused(keys.claim("u", "k", Some(seconds(30)), now)), Some(Fault::Forgotten));
        let just_after = Duration::from_millis(19_500);
        assert_eq!(refused(keys.claim("u", "k", Some(just_after), now)), Some(Fault::Forgotten));
        // It would be known if it had come.
        first(keys.claim("u", "k", Some(seconds(10)), now)).end(Answer::OK);
        let later = now + WINDOW + seconds(1);
        assert_eq!(refused(keys.claim("u", "k", Some(seconds(62)), later)), Some(Fault::Forgotten));
        first(keys.claim("u", "k", Some(seconds(50)), later)).end(Answer::OK);
    }

    #[test]
    fn the_oldest_gives_way_and_what_is_running_does_not() {
        let now = Instant::now();
        let keys = keys(2, now);
        first(keys.claim("u", "1", None, now)).end(Answer::OK);
        let second = first(keys.claim("u", "2", None, now));
        let third = first(keys.claim("u", "3", None, now));
        assert_eq!(refused(keys.claim("u", "4", None, now)), Some(Fault::Overloaded));
        second.end(Answer::OK);
        third.end(Answer::new(Fault::Busy, ""));
        first(keys.claim("u", "1", None, now)).end(Answer::OK);
        assert_eq!(keys.state.lock().known.len(), 2);
        assert_eq!(again(keys.claim("u", "2", None, now)), Some(Answer::OK));
    }
}
