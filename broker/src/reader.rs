//! Responses as they come, for whoever reads them as a stream.

use crate::session::{Responses, Session, Who};
use frontier_sessions::{ClientId, Fault, FaultCode, Position, Start};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many responses are taken out of the store at once for a stream, and with how many bytes: what a reader that is slow
/// makes this process hold. One that is longer comes alone.
const MOST: usize = 1000;
const MOST_BYTES: usize = 256 << 10;

/// Reads the responses of one client. What it has given out counts as fetched when more is asked for: then it was written.
pub(crate) struct Reader {
    session: Arc<Session>,
    who: Who,
    client: ClientId,
    next: Start,
    /// Responses before it were given out, and do not count as fetched yet.
    given: Option<Position>,
    /// Whether the client says itself what it has fetched.
    is_manual: bool,
    /// How long to wait for the next one before a sign of life.
    keepalive: Duration,
    /// The server ends.
    end: CancellationToken,
}

impl Reader {
    /// From `start` on.
    ///
    /// # Errors
    /// If `who` may not read them, or there is nothing to read.
    pub(crate) async fn open(
        session: Arc<Session>,
        who: Who,
        client: ClientId,
        start: Start,
        keepalive: Duration,
        end: CancellationToken,
    ) -> Result<Self, Fault> {
        // What is wrong is told before a stream begins.
        session.responses(&who, &client, start, (0, 0), Duration::ZERO).await?;
        Ok(Self { session, who, client, next: start, given: None, is_manual: false, keepalive, end })
    }

    /// The same, where the client says what it has fetched, with [`acknowledge`](Self::acknowledge).
    pub(crate) fn manual(self) -> Self {
        Self { is_manual: true, ..self }
    }

    /// At most `most` responses: none if none has come in time, as a sign of life.
    ///
    /// # Errors
    /// By the state of the session; and when the broker stops.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn next(&mut self, most: usize) -> Result<Responses, Fault> {
        self.fetched().await;
        let bounds = (most.min(MOST), MOST_BYTES);
        let found = tokio::select! {
            found = self.session.responses(&self.who, &self.client, self.next, bounds, self.keepalive) => found?,
            () = self.end.cancelled() => {
                return Err(Fault::new(FaultCode::Draining, "this broker is stopping"));
            }
        };
        if found.responses.is_empty() {
            // Later ones come behind those that are there, wherever the reader began.
            if self.next == Start::Begin {
                self.next = Start::At(found.next);
            }
        } else {
            (self.next, self.given) = (Start::At(found.next), Some(found.next));
        }
        Ok(found)
    }

    /// What was given out has been written.
    ///
    /// # Cancel safety
    /// Cancel safe: what is not done is done by the next one.
    pub(crate) async fn fetched(&mut self) {
        if let Some(before) = self.given.filter(|_| !self.is_manual) {
            // A session that has ended meanwhile keeps nothing that could be acknowledged.
            let _ = self.session.acknowledge(self.client.clone(), before).await;
        }
        self.given = None;
    }

    /// Whoever reads is there, though nothing is asked for.
    ///
    /// # Errors
    /// By the state of the session.
    pub(crate) async fn touch(&self) -> Result<(), Fault> {
        self.session.responses(&self.who, &self.client, self.next, (0, 0), Duration::ZERO).await.map(drop)
    }

    /// The client has fetched the responses before this place.
    ///
    /// # Errors
    /// If so many were not given out.
    pub(crate) async fn acknowledge(&mut self, before: Position) -> Result<(), Fault> {
        let given = match self.next {
            Start::At(next) => next,
            Start::Begin | Start::Current => 0,
        };
        if before > given {
            let text = format!("`acknowledge` is {before}, and the next response is {given}");
            return Err(Fault::new(FaultCode::InvalidRequest, text));
        }
        self.session.acknowledge(self.client.clone(), before).await
    }
}
