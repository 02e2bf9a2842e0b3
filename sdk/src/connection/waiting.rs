use super::calls::{Answer, Opened};
use super::{Connection, NotAsked};
use crate::{Error, Response};
use frontier_protocol::{Cancel, Code, Kind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// The answer to a question, when it comes. Dropping it gives the question up: a call is cancelled.
#[must_use = "a question that nobody waits for is given up"]
pub(crate) struct Waiting {
    connection: Arc<Connection>,
    id: u64,
    reply: oneshot::Receiver<Answer>,
    is_over: bool,
}

impl Waiting {
    pub(super) fn new(connection: Arc<Connection>, opened: Opened) -> Self {
        Self { connection, id: opened.id, reply: opened.reply, is_over: false }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Where the question went.
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Waits for the answer. [`NotAsked::Gone`] if the question may be asked elsewhere.
    pub(crate) async fn heard(&mut self) -> Result<Response, NotAsked> {
        let answer = (&mut *self).await;
        answer.map_err(|error| {
            if self.connection.has_put_off(&error) { NotAsked::Gone } else { NotAsked::Refused(error) }
        })
    }

    /// Gives the place back: the question was never sent.
    pub(super) fn withdraw(mut self) {
        self.is_over = true;
        self.connection.calls.forget(self.id);
    }
}

impl Future for Waiting {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        Pin::new(&mut self.reply).poll(cx).map(|reply| {
            self.is_over = true;
            reply.unwrap_or_else(|_| Err(Error::new(Code::Disconnected, "")))
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if self.connection.calls.forget(self.id) == Some(Kind::Response) {
            self.connection.notify(|out| Cancel::encode(self.id, out));
        }
        self.connection.work_changed();
    }
}
