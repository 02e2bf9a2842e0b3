//! The calls of a session that are at hosts, of which some are made at two.

use crate::execution::{Caller, Done};
use frontier_sessions::{AttemptId, Ending, Grant, SessionId, Taken, Verdict};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Calls that are at hosts.
pub(super) struct Flights {
    session: SessionId,
    caller: Arc<Caller>,
    timeout: Duration,
    calls: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Where calls are made at second hosts: requests by their first call, and first calls by second ones.
    flying: HashMap<AttemptId, Flight>,
    firsts: HashMap<AttemptId, AttemptId>,
}

/// A request that is at one host, or at two.
struct Flight {
    taken: Taken,
    /// Ends its calls.
    cancel: CancellationToken,
    second: Second,
    /// What became of the first call, if it has ended without an answer, and the second is still under way.
    first_ended: Option<Verdict>,
}

/// How the second call of a request stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Second {
    None,
    Running(AttemptId),
    Ended,
}

impl Flights {
    pub(super) fn new(session: SessionId, caller: Arc<Caller>, timeout: Duration) -> Self {
        Self {
            session,
            caller,
            timeout,
            calls: FuturesUnordered::new(),
            flying: HashMap::new(),
            firsts: HashMap::new(),
        }
    }

    /// Has a request called.
    pub(super) fn begin(&mut self, grant: Grant, taken: Taken) {
        if !self.caller.hedges {
            return self.call(grant, taken, None);
        }
        let cancel = CancellationToken::new();
        let (second, first_ended) = (Second::None, None);
        let flight = Flight { taken: taken.clone(), cancel: cancel.clone(), second, first_ended };
        self.flying.insert(grant.attempt, flight);
        self.call(grant, taken, Some(cancel));
    }

    /// Has the request of the call `first` called a second time. `false` if that has ended.
    pub(super) fn begin_second(&mut self, first: AttemptId, grant: Grant) -> bool {
        let Some(flight) = self.flying.get_mut(&first) else { return false };
        flight.second = Second::Running(grant.attempt);
        let (taken, cancel) = (flight.taken.clone(), flight.cancel.clone());
        self.firsts.insert(grant.attempt, first);
        self.call(grant, taken, Some(cancel));
        true
    }

    fn call(&mut self, grant: Grant, taken: Taken, cancel: Option<CancellationToken>) {
        let (caller, session, timeout) = (self.caller.clone(), self.session, self.timeout);
        let attempt = grant.attempt;
        let call = async move {
            let calling = caller.execute(session, grant, &taken, timeout);
            let (verdict, ending) = match cancel {
                None => calling.await,
                Some(cancel) => tokio::select! {
                    ended = calling => ended,
                    () = cancel.cancelled() => (Verdict::GivenBack, Ending::Superseded),
                },
            };
            Done { attempt, taken, verdict, ending }
        };
        self.calls.push(call.boxed());
    }

    /// The next call that ends; `None` if there is none.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Done> {
        self.calls.next().await
    }

    /// One that has ended already.
    pub(super) fn ended(&mut self) -> Option<Done> {
        self.calls.next().now_or_never().flatten()
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
            (false, second) => matches!(second, Second::Running(_)),
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
        flight.cancel.cancel();
        if let Second::Running(second) = flight.second {
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
        self.flying.clear();
        self.firsts.clear();
    }
}

#[cfg(test)]
mod tests;
