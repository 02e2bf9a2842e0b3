//! A call or a message between the moment in which it can be sent and its answer.

use super::{Client, Envelope, Target, retry};
use crate::connection::ResponseFuture;
use crate::{Error, Response};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;

/// A call or a message, from the moment in which it can be sent to its answer.
///
/// ```text
/// Fresh ── queued on the lane ──▶ Sent ── answer ─────▶ (over)
///   │                               └── deferred, or the receiver may be elsewhere ──▶ Slow
///   └── no connection, no room, or a long payload ──▶ Slow ──▶ (over)
/// ```
///
/// On the first path nothing is allocated but the place where the answer is put.
pub(crate) struct PendingRequest<'a> {
    target: Target<'a>,
    envelope: Envelope<'a>,
    state: State<'a>,
}

enum State<'a> {
    Fresh,
    Sent(ResponseFuture, Instant),
    Slow(Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 'a>>),
    Over,
}

impl<'a> PendingRequest<'a> {
    pub(crate) fn new(target: Target<'a>, envelope: Envelope<'a>) -> Self {
        Self { target, envelope, state: State::Fresh }
    }

    /// What it goes through, and the envelope, which has not been polled.
    pub(crate) fn into_parts(self) -> (Target<'a>, Envelope<'a>) {
        #[cfg_attr(not(feature = "trace"), expect(unused_mut, reason = "the current span is found by it"))]
        let Self { target, mut envelope, .. } = self;
        #[cfg(feature = "trace")]
        envelope.find_trace();
        (target, envelope)
    }

    /// Changes the envelope, which has not been polled: its builder owns it.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Envelope<'a>)) {
        change(&mut self.envelope);
    }

    /// Sends the envelope, if that can be done at once. `None` if no answer is waited for.
    fn start(&self) -> Result<Option<State<'a>>, Error> {
        let deadline = self.envelope.begin()?;
        match self.target {
            Target::Client(client) => self.start_at(client, deadline),
            #[cfg(feature = "cluster")]
            Target::Cluster(cluster) => {
                Ok(Some(State::Slow(Box::pin(cluster.call(self.envelope.clone(), deadline)))))
            }
        }
    }

    fn start_at(&self, client: &'a Arc<Client>, deadline: Instant) -> Result<Option<State<'a>>, Error> {
        let envelope = &self.envelope;
        let sent =
            client.send_at_once(envelope, |connection| envelope.send(connection, deadline, envelope.timeout));
        Ok(match sent? {
            Some(waiting) => waiting.map(|waiting| State::Sent(waiting, deadline)),
            None => Some(self.send_slowly(client, deadline)),
        })
    }

    fn send_slowly(&self, client: &'a Arc<Client>, deadline: Instant) -> State<'a> {
        let envelope = self.envelope.clone();
        State::Slow(Box::pin(async move { retry::send(client, &envelope, deadline).await }))
    }

    /// The next attempt for an envelope that was sent and failed with `error`, if another one makes sense.
    fn retry(&self, waiting: &ResponseFuture, deadline: Instant, error: &Error) -> Option<State<'a>> {
        let client = self.target.client()?;
        if waiting.connection().is_deferred(error) {
            client.retire(waiting.connection());
            return Some(self.send_slowly(client, deadline));
        }
        if !retry::may_retry(client, &self.envelope, error) {
            return None;
        }
        let (envelope, error) = (self.envelope.clone(), error.clone());
        let start = deadline - envelope.timeout;
        Some(State::Slow(Box::pin(
            async move { retry::retry(client, &envelope, start, deadline, error).await },
        )))
    }
}

impl fmt::Debug for PendingRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Fresh => write!(f, "{:?} of `{}`", self.envelope.kind, self.envelope.name),
            State::Sent(waiting, _) => write!(f, "sent as {}", waiting.id()),
            State::Slow(_) => f.write_str("being sent"),
            State::Over => f.write_str("over"),
        }
    }
}

impl Future for PendingRequest<'_> {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let answer = match &mut self.state {
                State::Fresh => {
                    self.state = State::Over;
                    #[cfg(feature = "trace")]
                    self.envelope.find_trace();
                    match self.start()? {
                        Some(state) => self.state = state,
                        None => return Poll::Ready(Ok(Response::default())),
                    }
                    continue;
                }
                State::Sent(waiting, _) => ready!(Pin::new(waiting).poll(cx)),
                State::Slow(sending) => ready!(sending.as_mut().poll(cx)),
                State::Over => panic!("polled after it was over"),
            };
            match (std::mem::replace(&mut self.state, State::Over), answer) {
                (State::Sent(waiting, deadline), Err(error)) => {
                    match self.retry(&waiting, deadline, &error) {
                        Some(state) => self.state = state,
                        None => return Poll::Ready(Err(error)),
                    }
                }
                (_, answer) => return Poll::Ready(answer),
            }
        }
    }
}
