//! A request in the hands of a handler, and its answer.

use super::{Connection, NotSent, detached, runner};
use crate::Response;
use crate::handler::{Outcome, Reply};
use frontier_protocol::{Code, Custom, EncodeError, FRAGMENT, Flags, PeerText};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::debug;

/// One request in the hands of a handler: its place, and where its answer goes.
///
/// However the handler ends, also when it is aborted, dropping the job gives the place back.
pub(crate) struct Job {
    connection: Arc<Connection>,
    id: u64,
    deadline: Instant,
}

impl Job {
    /// The place must have been reserved.
    pub(super) fn new(connection: Arc<Connection>, id: u64, deadline: Instant) -> Self {
        connection.work_begins();
        Self { connection, id, deadline }
    }

    async fn answer(&self, response: &Response) {
        let len = response.data.len();
        if len as u64 > self.connection.max_payload {
            let text = format!(
                "an answer of {len} bytes is over max_payload of the gateway, {}",
                self.connection.max_payload
            );
            return self.connection.refuse_request(self.id, Code::TooLarge, &text);
        }
        if len <= FRAGMENT && self.queue_now(response) {
            return;
        }
        // Boxed, so that the usual task is not as large as this needs it.
        let sent = tokio::time::timeout_at(self.deadline, async {
            if len > FRAGMENT { self.detach(response).await } else { self.queue(response).await }
        });
        if let Ok(Err(error)) = Box::pin(sent).await {
            self.connection.refuse_request(self.id, Code::TooLarge, &error.to_string());
        }
    }

    /// Queues the answer if there is room. `false` if it must wait, or does not fit its frame.
    fn queue_now(&self, response: &Response) -> bool {
        let encode = |out: &mut Vec<u8>| encode(self.id, response, Flags::default(), &response.data, out);
        let sent =
            if runner::is_current() { self.connection.queue(encode) } else { self.connection.send(encode) };
        // Where the connection is gone nobody waits for the answer.
        matches!(sent, Ok(()) | Err(NotSent::Gone))
    }

    /// Waits for room, so that handlers which produce faster than the gateway reads are slowed down.
    async fn queue(&self, response: &Response) -> Result<(), EncodeError> {
        loop {
            let encode = |out: &mut Vec<u8>| encode(self.id, response, Flags::default(), &response.data, out);
            let mut failed = None;
            let sent = self.connection.send(|out| encode(out).inspect_err(|error| failed = Some(*error)));
            match (sent, failed) {
                (_, Some(error)) => return Err(error),
                (Err(NotSent::Full), _) => {
                    if self.connection.link.writable().await.is_err() {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    async fn detach(&self, response: &Response) -> Result<(), EncodeError> {
        let mut head = Vec::new();
        let len = detached::length(&response.data)?;
        encode(self.id, response, Flags::DETACHED, &len, &mut head)?;
        if let Err(error) = detached::send(&self.connection.link, &head, &response.data).await {
            debug!(id = self.id, error = %PeerText(&error), "an answer was not sent whole");
            self.connection.refuse_request(self.id, error.code(), error.text());
        }
        Ok(())
    }
}

impl Reply for Job {
    async fn reply(self, outcome: Outcome) {
        match outcome {
            Outcome::Answered(Ok(response)) => self.answer(&response).await,
            Outcome::Answered(Err(error)) => {
                let (code, detail) = error.to_wire();
                let response = frontier_protocol::Response {
                    detail,
                    ..frontier_protocol::Response::error(code, super::limited(&error.text))
                };
                self.connection.notify(|out| response.encode_with(self.id, Flags::default(), out));
            }
            Outcome::Panicked(text) => self.connection.refuse_request(self.id, Code::Panicked, &text),
            Outcome::Late => {
                self.connection.refuse_request(
                    self.id,
                    Code::Deadline,
                    "the handler was not done within the deadline",
                );
            }
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.connection.running.done(self.id);
        self.connection.work_ends();
    }
}

fn encode(
    id: u64,
    response: &Response,
    flags: Flags,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let custom = Custom::plain(&response.custom);
    frontier_protocol::Response { code: Code::Ok, detail: 0, custom, payload }.encode_with(id, flags, out)
}
