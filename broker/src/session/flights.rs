//! The calls of a session that are at hosts, of which some are made at two.

use crate::execution::{Caller, Done};
use frontier_sdk::{CallId, Calls};
use frontier_sessions::{AttemptId, Ending, Grant, SessionId, Taken, Verdict};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Calls that are at hosts.
pub(super) struct Flights {
    session: SessionId,
    caller: Arc<Caller>,
    timeout: Duration,
    calls: Calls<(AttemptId, Taken)>,
    /// Those that have ended otherwise than by an answer.
    over: VecDeque<Done>,
    /// Where calls are made at second hosts: requests by their first call, and first calls by second ones.
    flying: HashMap<AttemptId, Flight>,
    firsts: HashMap<AttemptId, AttemptId>,
}

/// A request that is at one host, or at two.
struct Flight {
    taken: Taken,
    /// Its first call, if that was made.
    first: Option<CallId>,
    second: Second,
    /// What became of the first call, if it has ended without an answer, and the second is still under way.
    first_ended: Option<Verdict>,
}

/// How the second call of a request stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Second {
    None,
    Running(AttemptId, Option<CallId>),
    Ended,
}

impl Flights {
    pub(super) fn new(session: SessionId, caller: Arc<Caller>, timeout: Duration) -> Self {
        Self {
            session,
            caller,
            timeout,
            calls: Calls::new(),
            over: VecDeque::new(),
            flying: HashMap::new(),
            firsts: HashMap::new(),
        }
    }

    /// Has a request called.
    pub(super) fn begin(&mut self, grant: Grant, taken: Taken) {
        if !self.caller.hedges {
            self.call(grant, taken);
            return;
        }
        let first = self.call(grant, taken.clone());
        let flight = Flight { taken, first, second: Second::None, first_ended: None };
        self.flying.insert(grant.attempt, flight);
    }

    /// Has the request of the call `first` called a second time. `false` if that has ended.
    pub(super) fn begin_second(&mut self, first: AttemptId, grant: Grant) -> bool {
        let Some(flight) = self.flying.get(&first) else { return false };
        let taken = flight.taken.clone();
        let second = self.call(grant, taken);
        if let Some(flight) = self.flying.get_mut(&first) {
            flight.second = Second::Running(grant.attempt, second);
        }
        self.firsts.insert(grant.attempt, first);
        true
    }

    /// `None` if the call can't be made.
    fn call(&mut self, grant: Grant, taken: Taken) -> Option<CallId> {
        let attempt = grant.attempt;
        let Some(call) = self.caller.call(self.session, grant, &taken, self.timeout) else {
            let (verdict, ending) = (Verdict::GivenBack, Ending::Unreachable);
            self.over.push_back(Done { attempt, taken, verdict, ending });
            return None;
        };
        Some(self.calls.begin(call, (attempt, taken)))
    }

    /// The next call that ends; `None` if there is none.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Done> {
        if let Some(done) = self.over.pop_front() {
            return Some(done);
        }
        let ((attempt, taken), answer) = self.calls.next().await?;
        let (verdict, ending) = self.caller.judge(answer, self.timeout);
        Some(Done { attempt, taken, verdict, ending })
    }

    /// One that has ended already.
    pub(super) fn ended(&mut self) -> Option<Done> {
        if let Some(done) = self.over.pop_front() {
            return Some(done);
        }
        let ((attempt, taken), answer) = self.calls.next_ready()?;
        let (verdict, ending) = self.caller.judge(answer, self.timeout);
        Some(Done { attempt, taken, verdict, ending })
    }

    /// Ends the call of a request that has its answer from another one.
    fn supersede(&mut self, call: Option<CallId>) {
        if let Some((attempt, taken)) = call.and_then(|call| self.calls.cancel(call)) {
            let (verdict, ending) = (Verdict::GivenBack, Ending::Superseded);
            self.over.push_back(Done { attempt, taken, verdict, ending });
        }
    }

    /// What the end of a call means for its request; `None` if another call of that goes on, or has ended before.
    pub(super) fn settle(
        &mut self,
        attempt: AttemptId,
        taken: Taken,
        verdict: Verdict,
    ) -> Option<(Taken, Verdict)> {
        if !self.caller.hedges {
            return Some((taken, verdict));
        }
        let first = self.firsts.remove(&attempt).unwrap_or(attempt);
        let flight = self.flying.get_mut(&first)?;
        let is_second = attempt != first;
        let is_answered = matches!(verdict, Verdict::Done(_));
        let goes_on = match (is_second, flight.second) {
            (false, second) => matches!(second, Second::Running(..)),
            (true, _) => flight.first_ended.is_none(),
        };
        if !is_answered && goes_on {
            match is_second {
                true => flight.second = Second::Ended,
                false => flight.first_ended = Some(verdict),
            }
            return None;
        }
        let flight = self.flying.remove(&first)?;
        self.supersede(flight.first);
        if let Second::Running(second, call) = flight.second {
            self.supersede(call);
            self.firsts.remove(&second);
        }
        if flight.second != Second::None {
            let counters = &self.caller.counters;
            let counter = if is_second && is_answered { &counters.won } else { &counters.lost };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        // A second call counts as no try, whatever becomes of it.
        let verdict = if is_answered { verdict } else { flight.first_ended.unwrap_or(verdict) };
        Some((taken, verdict))
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.calls.clear();
        self.over.clear();
        self.flying.clear();
        self.firsts.clear();
    }
}

#[cfg(test)]
mod tests;
