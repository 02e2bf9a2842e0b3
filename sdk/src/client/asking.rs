use super::{Attempt, Client, Question, Target};
use crate::connection::{NotAsked, Waiting};
use crate::{Error, Response};
use frontier_protocol::Code;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;

/// A question and the wait for its answer.
///
/// ```text
/// Fresh ── queued on the lane ──▶ Sent ── answer ─────▶ (over)
///   │                               └── put off, or the edge may be elsewhere ──▶ Slow
///   └── no connection, no room, or a long payload ──▶ Slow ──▶ (over)
/// ```
///
/// On the first path nothing is allocated but the place where the answer is put.
pub(crate) struct Asking<'a> {
    target: Target<'a>,
    question: Question<'a>,
    state: State<'a>,
}

enum State<'a> {
    Fresh,
    Sent(Waiting, Instant),
    Slow(Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 'a>>),
    Over,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(target: Target<'a>, question: Question<'a>) -> Self {
        Self { target, question, state: State::Fresh }
    }

    /// Changes the question, which has not been polled: its builder owns it.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Question<'a>)) {
        change(&mut self.question);
    }

    /// Sends the question, if that can be done at once. `None` if it is over with that.
    fn start(&self) -> Result<Option<State<'a>>, Error> {
        let Some(deadline) = Instant::now().checked_add(self.question.timeout) else {
            return Err(Error::new(Code::TooLarge, "a timeout that long can't be counted"));
        };
        match self.target {
            Target::Client(client) => self.start_at(client, deadline),
            #[cfg(feature = "cluster")]
            Target::Cluster(cluster) => {
                Ok(Some(State::Slow(Box::pin(cluster.ask(self.question.clone(), deadline)))))
            }
        }
    }

    fn start_at(&self, client: &'a Arc<Client>, deadline: Instant) -> Result<Option<State<'a>>, Error> {
        let question = &self.question;
        if let Some(connection) = client.current()
            && !question.is_detached()
        {
            question.check(&connection)?;
            match question.ask(&connection, deadline, question.timeout) {
                Ok(waiting) => return Ok(waiting.map(|waiting| State::Sent(waiting, deadline))),
                Err(NotAsked::Refused(error)) => return Err(error),
                Err(NotAsked::Full) => {}
                Err(NotAsked::Gone) => client.retire(&connection),
            }
        }
        Ok(Some(self.ask_slowly(client, deadline)))
    }

    fn ask_slowly(&self, client: &'a Arc<Client>, deadline: Instant) -> State<'a> {
        State::Slow(Box::pin(ask_slowly(client, self.question.clone(), deadline)))
    }

    /// What to do about a question that was sent and failed with `error`, if it may be asked elsewhere.
    fn retry(&self, waiting: &Waiting, deadline: Instant, error: &Error) -> Option<State<'a>> {
        let client = self.target.client()?;
        if waiting.connection().has_put_off(error) {
            client.retire(waiting.connection());
            return Some(self.ask_slowly(client, deadline));
        }
        let asking = || ask_around(client, self.question.clone(), deadline, error.clone());
        self.question.is_elsewhere(error).then(|| State::Slow(Box::pin(asking())))
    }
}

impl fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Fresh => write!(f, "{:?} of `{}`", self.question.kind, self.question.name),
            State::Sent(waiting, _) => write!(f, "sent as {}", waiting.id()),
            State::Slow(_) => f.write_str("being sent"),
            State::Over => f.write_str("over"),
        }
    }
}

impl Future for Asking<'_> {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let answer = match &mut self.state {
                State::Fresh => {
                    self.state = State::Over;
                    match self.start()? {
                        Some(state) => self.state = state,
                        None => return Poll::Ready(Ok(Response::default())),
                    }
                    continue;
                }
                State::Sent(waiting, _) => ready!(Pin::new(waiting).poll(cx)),
                State::Slow(asking) => ready!(asking.as_mut().poll(cx)),
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

/// Waits for a connection and for room, and asks there; and wherever else the edge may be.
async fn ask_slowly(client: &Client, question: Question<'_>, deadline: Instant) -> Result<Response, Error> {
    match ask_current(client, &question, deadline).await {
        Err(error) if question.is_elsewhere(&error) => ask_around(client, question, deadline, error).await,
        answer => answer,
    }
}

/// The edge is not where it was asked for. While gateways drain it may be at one that this client has
/// left before it, or have left there a moment ago.
async fn ask_around(
    client: &Client,
    question: Question<'_>,
    deadline: Instant,
    error: Error,
) -> Result<Response, Error> {
    let left = client.left();
    if left.is_empty() {
        return Err(error);
    }
    for connection in left {
        match question.attempt(&connection, deadline).await {
            Ok(response) => return Ok(response),
            Err(NotAsked::Refused(error)) if !question.is_elsewhere(&error) => return Err(error),
            Err(_) => {}
        }
    }
    ask_current(client, &question, deadline).await
}

/// Waits for a connection and for room, as often as it takes, and asks.
async fn ask_current(client: &Client, question: &Question<'_>, deadline: Instant) -> Result<Response, Error> {
    loop {
        let connection = client.connection(deadline).await?;
        match question.attempt(&connection, deadline).await {
            Ok(response) => return Ok(response),
            Err(NotAsked::Refused(error)) => return Err(error),
            Err(NotAsked::Gone) => client.retire(&connection),
            // If the connection is lost meanwhile the next round finds out.
            Err(NotAsked::Full) => connection.room(deadline).await?,
        }
    }
}
