//! Waiting for the answer to one pending request.

use super::pending_requests::Answer;
use super::{Connection, NotSent};
use crate::{Error, Response};
use frontier_protocol::Code;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// The answer to a pending request, when it comes. Dropping it ends the request: a call is cancelled.
#[must_use = "dropping it cancels the request"]
pub(crate) struct ResponseFuture {
    connection: Arc<Connection>,
    id: u64,
    reply: oneshot::Receiver<Answer>,
    is_over: bool,
}

impl ResponseFuture {
    pub(super) fn new(connection: Arc<Connection>, id: u64, reply: oneshot::Receiver<Answer>) -> Self {
        Self { connection, id, reply, is_over: false }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Where the request went.
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Waits for the answer. [`NotSent::Gone`] if the request may be sent elsewhere.
    pub(crate) async fn response(&mut self) -> Result<Response, NotSent> {
        let answer = (&mut *self).await;
        answer.map_err(|error| {
            if self.connection.is_deferred(&error) { NotSent::Gone } else { NotSent::Refused(error) }
        })
    }

    /// Frees the slot: the request was never sent.
    pub(super) fn withdraw(mut self) {
        self.is_over = true;
        self.connection.pending.remove(self.id);
    }
}

impl Future for ResponseFuture {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        Pin::new(&mut self.reply).poll(cx).map(|reply| {
            self.is_over = true;
            reply.unwrap_or_else(|_| Err(Error::new(Code::Disconnected, "")))
        })
    }
}

impl Drop for ResponseFuture {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.give_up(self.id);
        }
    }
}
