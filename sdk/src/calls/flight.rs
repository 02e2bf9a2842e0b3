//! One call among many, from its first attempt to its answer.

use super::{Answers, Place};
use crate::Error;
use crate::client::{Envelope, OwnTarget, Target, retry};
use crate::connection::{Answer, Connection};
use crate::delivery::Reply;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;

/// An attempt that has to be polled.
pub(super) type Slow = Abortable<Attempt>;

type Running = BoxFuture<'static, (Place, Answer)>;

/// An attempt that whoever cancels it ends at once, and not when it is polled next.
#[derive(Clone)]
pub(super) struct Attempt(Arc<Mutex<Option<Running>>>);

impl Attempt {
    fn new(attempt: impl Future<Output = (Place, Answer)> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(attempt.boxed()))))
    }

    fn end(&self) {
        // Dropped behind the lock.
        let attempt = self.0.lock().take();
        drop(attempt);
    }
}

impl Future for Attempt {
    type Output = (Place, Answer);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut attempt = self.0.lock();
        let Some(running) = &mut *attempt else { return Poll::Pending };
        let answer = ready!(running.poll_unpin(cx));
        *attempt = None;
        Poll::Ready(answer)
    }
}

/// What calls are made through, and of which method.
pub(super) struct Route {
    target: OwnTarget,
    method: Box<str>,
}

impl Route {
    pub(super) fn new(target: Target<'_>, method: &str) -> Self {
        Self { target: target.to_own(), method: method.into() }
    }

    pub(super) fn is(&self, target: Target<'_>, method: &str) -> bool {
        *self.method == *method && self.target.is(target)
    }
}

/// A call, with what it takes to send it again.
///
/// ```text
/// Sent ── answer ───────────────────────────────────────▶ (over)
///   └── deferred, or the receiver may be elsewhere ──▶ Slow ──▶ (over)
/// Slow: no connection, no room, a long payload, a cluster ──▶ (over)
/// ```
pub(super) struct Flight<T> {
    tag: T,
    /// Of its first attempt, by which its caller knows it, and of the one that is under way.
    first: u64,
    number: u64,
    route: Arc<Route>,
    /// Its name is the route's.
    envelope: Envelope<'static>,
    deadline: Instant,
    state: State,
}

enum State {
    Sent(Sent),
    Slow(AbortHandle, Attempt),
    /// It could not be sent: its answer says why.
    Refused,
}

/// A call that waits for its answer. Dropped before, it is cancelled.
struct Sent {
    connection: Arc<Connection>,
    id: u64,
    is_answered: bool,
}

/// How a call begins.
pub(super) enum Begun {
    Sent,
    Slow(Slow),
    Refused(Error),
}

impl<T> Flight<T> {
    /// Sends a call. What is not sent at once has the number after the one that it was given: the connection may still answer
    /// what it has not sent.
    pub(super) fn begin(
        tag: T,
        place: Place,
        route: Arc<Route>,
        envelope: Envelope<'_>,
        answers: &Arc<Answers>,
    ) -> (Box<Self>, Begun) {
        let (deadline, sent) = match send(&route, &envelope, place, answers) {
            Ok((deadline, sent)) => (deadline, Ok(sent)),
            Err(error) => (Instant::now(), Err(error)),
        };
        let Envelope { kind, name: _, payload, custom, trace, edge, timeout } = envelope;
        let envelope = Envelope { kind, name: "", payload, custom, trace, edge, timeout };
        let Place { index, number } = place;
        let state = State::Refused;
        let mut flight = Box::new(Self { tag, first: number, number, route, envelope, deadline, state });
        let begun = match sent {
            Ok(Some(sent)) => {
                flight.state = State::Sent(sent);
                Begun::Sent
            }
            Ok(None) => Begun::Slow(flight.send_slowly(Place { index, number: number + 1 })),
            Err(error) => Begun::Refused(error),
        };
        (flight, begun)
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Whether the attempt that is under way is this one.
    pub(super) fn is(&self, place: Place) -> bool {
        self.number == place.number
    }

    /// Another attempt as `place`, if it makes sense after this error.
    pub(super) fn again(&mut self, place: Place, error: &Error) -> Option<Slow> {
        let State::Sent(sent) = &mut self.state else { return None };
        sent.is_answered = true;
        let client = self.route.target.client()?;
        if sent.connection.is_deferred(error) {
            client.retire(&sent.connection);
            return Some(self.send_slowly(place));
        }
        let (envelope, route) = (self.envelope.clone(), self.route.clone());
        if !retry::may_retry(client, &envelope.named(&route.method), error) {
            return None;
        }
        let (client, deadline, error) = (client.clone(), self.deadline, error.clone());
        let start = deadline - envelope.timeout;
        Some(self.attempt(place, async move {
            retry::retry(&client, &envelope.named(&route.method), start, deadline, error).await
        }))
    }

    fn send_slowly(&mut self, place: Place) -> Slow {
        let (envelope, route, deadline) = (self.envelope.clone(), self.route.clone(), self.deadline);
        self.attempt(place, async move {
            let envelope = envelope.named(&route.method);
            match &route.target {
                OwnTarget::Client(client) => retry::send(client, &envelope, deadline).await,
                #[cfg(feature = "cluster")]
                OwnTarget::Cluster(cluster) => cluster.call(envelope, deadline).await,
            }
        })
    }

    fn attempt(&mut self, place: Place, attempt: impl Future<Output = Answer> + Send + 'static) -> Slow {
        self.number = place.number;
        let (handle, registration) = AbortHandle::new_pair();
        let attempt = Attempt::new(attempt.map(move |answer| (place, answer)));
        self.state = State::Slow(handle, attempt.clone());
        Abortable::new(attempt, registration)
    }

    /// Its answer has been taken.
    pub(super) fn end(mut self) -> T {
        if let State::Sent(sent) = &mut self.state {
            sent.is_answered = true;
        }
        self.tag
    }

    /// Its answer is not wanted any more.
    pub(super) fn cancel(self) -> T {
        if let State::Slow(handle, attempt) = &self.state {
            attempt.end();
            handle.abort();
        }
        self.tag
    }
}

/// Sends a call at once, if that can be done, and says until when its answer may come.
fn send(
    route: &Route,
    envelope: &Envelope<'_>,
    place: Place,
    answers: &Arc<Answers>,
) -> Result<(Instant, Option<Sent>), Error> {
    let deadline = envelope.begin()?;
    let Some(client) = route.target.client() else { return Ok((deadline, None)) };
    let sent = client.send_at_once(envelope, |connection| {
        let reply = Reply::Among(answers.clone(), place);
        let id = envelope.send_among(connection, deadline, reply)?;
        Ok(Sent { connection: connection.clone(), id, is_answered: false })
    });
    Ok((deadline, sent?))
}

impl Drop for Sent {
    fn drop(&mut self) {
        if !self.is_answered {
            self.connection.give_up(self.id);
        }
    }
}
