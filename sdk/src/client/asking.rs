use super::{Client, Question, Target, around};
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
        let question = self.question.clone();
        State::Slow(Box::pin(async move { around::ask(client, &question, deadline).await }))
    }

    /// What to do about a question that was sent and failed with `error`, if it may be asked elsewhere.
    fn retry(&self, waiting: &Waiting, deadline: Instant, error: &Error) -> Option<State<'a>> {
        let client = self.target.client()?;
        if waiting.connection().has_put_off(error) {
            client.retire(waiting.connection());
            return Some(self.ask_slowly(client, deadline));
        }
        if !around::may_help(client, &self.question, error) {
            return None;
        }
        let (question, error) = (self.question.clone(), error.clone());
        let asked = deadline - question.timeout;
        Some(State::Slow(Box::pin(async move {
            around::ask_again(client, &question, asked, deadline, error).await
        })))
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
