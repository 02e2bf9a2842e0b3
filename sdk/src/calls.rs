//! Many calls of one task, as users await them.

mod answers;
mod flight;

pub(crate) use answers::{Answers, Place};

use crate::connection::Answer;
use crate::{Call, Error, Response};
use flight::{Begun, Flight, Route, Slow};
use futures_util::Stream;
use futures_util::future::poll_fn;
use futures_util::stream::FuturesUnordered;
use slab::Slab;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::coop;

/// Many calls that are under way at once, each with a tag that says which it is.
///
/// For a task that makes calls by the hundred. Awaited one by one, each of them is a future that is woken and polled for its own
/// answer; here the answers come together, and the task is woken for all that have come meanwhile. In all else they
/// are [`Call`]s: their deadlines, their errors, and what is sent again elsewhere.
///
/// ```no_run
/// use frontier_sdk::{Calls, EdgeId, Service};
///
/// # async fn example(service: Service, edges: Vec<EdgeId>) {
/// let mut calls = Calls::new();
/// for edge in edges {
///     calls.begin(service.call(edge, "version", ""), edge);
/// }
/// while let Some((edge, answer)) = calls.next().await {
///     match answer {
///         Ok(version) => println!("{edge}: {:?}", version.data),
///         Err(error) => println!("{edge}: {error}"),
///     }
/// }
/// # }
/// ```
///
/// # Bounds
/// None of its own: who begins calls decides how many are under way. What the gateway does not take yet waits for it, within the
/// deadline of each call.
///
/// # Costs
/// One allocation for each call beside its answer's, and one wake-up for all answers that come together. A payload over
/// 64 KiB, a call of a `ClusterService`, and one that has to wait for a connection or for room costs what a [`Call`] does.
///
/// # Cancel safety
/// Dropping it cancels all calls that are under way: the other side's handlers are dropped as well. They may have had their
/// effect.
pub struct Calls<T> {
    flights: Slab<Box<Flight<T>>>,
    /// That of the last attempt is no greater. 64 bits are not used up.
    number: u64,
    answers: Arc<Answers>,
    /// Taken from there, the next one last.
    taken: Vec<(Place, Answer)>,
    slow: FuturesUnordered<Slow>,
    /// That of the last call: mostly the next one's as well.
    route: Option<Arc<Route>>,
}

/// Names a call among those of its [`Calls`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId {
    index: usize,
    number: u64,
}

impl<T> Calls<T> {
    /// Without any.
    #[must_use]
    pub fn new() -> Self {
        Self {
            flights: Slab::new(),
            number: 0,
            answers: Arc::default(),
            taken: Vec::new(),
            slow: FuturesUnordered::new(),
            route: None,
        }
    }

    /// Sends a call, at once if there is a connection. Its answer comes with its `tag`. The call's timeout begins here.
    ///
    /// The call no longer borrows its [`Service`](crate::Service) or [`Edge`](crate::Edge): where the last handle of that is
    /// dropped the client ends, and its calls with it.
    pub fn begin(&mut self, call: Call<'_>, tag: T) -> CallId {
        let (target, envelope) = call.into_parts();
        let route = match &self.route {
            Some(route) if route.is(target, envelope.name) => route.clone(),
            _ => self.route.insert(Arc::new(Route::new(target, envelope.name))).clone(),
        };
        // The second one is for the attempt that follows if this is not sent at once.
        let number = self.number + 1;
        self.number += 2;
        let entry = self.flights.vacant_entry();
        let index = entry.key();
        let (flight, begun) = Flight::begin(tag, Place { index, number }, route, envelope, &self.answers);
        match begun {
            Begun::Sent => {}
            Begun::Slow(slow) => self.slow.push(slow),
            // It comes behind those that are here.
            Begun::Refused(error) => {
                if let Some(waker) = self.answers.put(Place { index, number }, Err(error)) {
                    waker.wake();
                }
            }
        }
        entry.insert(flight);
        CallId { index, number }
    }

    /// The next answer, in the order in which they come, and the tag of its call; `None` if no call is under way.
    ///
    /// # Cancel safety
    /// Cancel safe: no answer is lost.
    pub async fn next(&mut self) -> Option<(T, Result<Response, Error>)> {
        poll_fn(|cx| self.poll_next_answer(cx)).await
    }

    /// The next of the answers that are here already. For those of a batch, behind the one that
    /// [`next`](Self::next) has waited for: calls that are sent again, or wait to be sent, go on only in there.
    pub fn next_ready(&mut self) -> Option<(T, Result<Response, Error>)> {
        loop {
            if let Some(settled) = self.next_taken() {
                return Some(settled);
            }
            self.refill(self.answers.take_ready());
            if self.taken.is_empty() {
                return None;
            }
        }
    }

    /// Ends a call whose answer has not been taken, and returns its tag; `None` if there is no such call any more. The
    /// other side's handler is dropped.
    pub fn cancel(&mut self, call: CallId) -> Option<T> {
        self.flights.get(call.index).filter(|flight| flight.first() == call.number)?;
        let tag = self.flights.remove(call.index).cancel();
        if self.flights.is_empty() {
            self.clear();
        }
        Some(tag)
    }

    /// Ends all of them.
    pub fn clear(&mut self) {
        self.flights.clear();
        self.slow.clear();
        self.taken.clear();
        // Of calls that are over: they may hold much.
        drop(self.answers.take_ready());
    }

    /// How many are under way, with those whose answers were not taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flights.len()
    }

    /// Whether none is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    fn poll_next_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<(T, Answer)>> {
        let proceeds = ready!(coop::poll_proceed(cx));
        loop {
            if let Some(settled) = self.next_taken() {
                proceeds.made_progress();
                return Poll::Ready(Some(settled));
            }
            if self.flights.is_empty() {
                // What is left of calls that were cancelled.
                self.clear();
                return Poll::Ready(None);
            }
            if let Poll::Ready(Some(ended)) = Pin::new(&mut self.slow).poll_next(cx) {
                self.taken.extend(ended);
                continue;
            }
            match self.answers.take(cx) {
                Some(answers) => self.refill(answers),
                None => return Poll::Pending,
            }
        }
    }

    /// The next one of those that were taken from the connection, if it ends a call.
    fn next_taken(&mut self) -> Option<(T, Answer)> {
        while let Some((place, answer)) = self.taken.pop() {
            // One of a call that was cancelled meanwhile, or that is under way anew, is of no use.
            let Some(flight) = self.flights.get_mut(place.index).filter(|it| it.is(place)) else { continue };
            if let Err(error) = &answer {
                self.number += 1;
                let place = Place { number: self.number, ..place };
                if let Some(slow) = flight.again(place, error) {
                    self.slow.push(slow);
                    continue;
                }
            }
            return Some((self.flights.remove(place.index).end(), answer));
        }
        None
    }

    fn refill(&mut self, mut answers: Vec<(Place, Answer)>) {
        answers.reverse();
        self.taken = answers;
    }
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Calls<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("under_way", &self.len()).finish_non_exhaustive()
    }
}

/// Ends when no call is under way, and goes on when others are.
impl<T> Stream for Calls<T> {
    type Item = (T, Result<Response, Error>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_answer(cx)
    }
}
