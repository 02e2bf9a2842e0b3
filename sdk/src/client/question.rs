use crate::connection::{Connection, NotAsked, Waiting, detached};
use crate::{Error, Response};
use bytes::Bytes;
use frontier_protocol::{Code, Custom, EdgeId, EncodeError, FRAGMENT, Flags, Kind, Publish, Request};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A call or a message on its way out.
#[derive(Clone)]
pub(crate) struct Question<'a> {
    pub(crate) kind: Asked,
    /// The method or the topic.
    pub(crate) name: &'a str,
    pub(crate) payload: Bytes,
    pub(crate) custom: Bytes,
    /// The edge that a service means.
    pub(crate) edge: Option<EdgeId>,
    pub(crate) timeout: Duration,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A response.
    Call,
    /// An ack.
    Publish,
    /// Nothing.
    UnackedPublish,
}

/// What is done over one connection, and elsewhere if that has not begun it.
pub(crate) trait Attempt: Sync {
    /// What comes of it.
    type Done: Send;

    /// Does it over this connection.
    fn attempt(
        &self,
        connection: &Arc<Connection>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Self::Done, NotAsked>> + Send;

    /// The edge that a service means.
    fn edge(&self) -> Option<EdgeId>;

    /// Whether it failed because the gateway does not have the edge.
    fn is_elsewhere(&self, error: &Error) -> bool {
        self.edge().is_some() && error.code() == Code::EdgeNotOnline
    }
}

impl Attempt for Question<'_> {
    type Done = Response;

    async fn attempt(&self, connection: &Arc<Connection>, deadline: Instant) -> Result<Response, NotAsked> {
        self.check(connection).map_err(NotAsked::Refused)?;
        if self.is_detached() {
            return self.ask_detached(connection, deadline).await;
        }
        match self.ask(connection, deadline, left(deadline))? {
            Some(mut waiting) => waiting.heard().await,
            None => Ok(Response::default()),
        }
    }

    fn edge(&self) -> Option<EdgeId> {
        self.edge
    }
}

impl Question<'_> {
    /// Whether the payload goes on a stream of its own.
    pub(crate) fn is_detached(&self) -> bool {
        self.payload.len() > FRAGMENT
    }

    /// Refuses what the gateway would refuse.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), Error> {
        let (len, max) = (self.payload.len(), connection.max_payload);
        if len as u64 > max {
            return Err(Error::new(Code::TooLarge, format!("a payload of {len} bytes is over {max}")));
        }
        Ok(())
    }

    /// Puts the question, payload included, on the lane; `left` is what is left until the deadline. `None` if
    /// no answer is wanted.
    pub(crate) fn ask(
        &self,
        connection: &Arc<Connection>,
        deadline: Instant,
        left: Duration,
    ) -> Result<Option<Waiting>, NotAsked> {
        let timeout_ms = millis(left);
        let ask = |id, out: &mut Vec<u8>| self.encode(id, timeout_ms, false, out);
        match self.answer() {
            Some(answer) => connection.ask(answer, deadline, ask).map(Some),
            None => connection.tell(|out| ask(0, out)).map(|()| None),
        }
    }

    /// Sends the question with its payload on a stream of its own, and waits for the answer.
    pub(crate) async fn ask_detached(
        &self,
        connection: &Arc<Connection>,
        deadline: Instant,
    ) -> Result<Response, NotAsked> {
        let waiting = self.answer().map(|answer| connection.expect(answer, deadline)).transpose()?;
        let id = waiting.as_ref().map_or(0, Waiting::id);
        let mut head = Vec::new();
        let encoded = self.encode(id, millis(left(deadline)), true, &mut head);
        encoded.map_err(|error| NotAsked::Refused(error.into()))?;
        let send = detached::send(&connection.link, &head, &self.payload);
        let Some(mut waiting) = waiting else {
            let sent = tokio::time::timeout_at(deadline, send).await;
            let sent = sent.unwrap_or_else(|_| Err(Error::new(Code::Deadline, "")));
            return sent.map(|()| Response::default()).map_err(NotAsked::Refused);
        };
        tokio::select! {
            biased;
            // The gateway need not have seen the whole payload to know that it will come to nothing.
            answer = waiting.heard() => return answer,
            sent = send => match sent {
                // If the gateway reset the stream it says why on the lane.
                Ok(()) => {}
                Err(error) if error.code() == Code::Disconnected => {}
                Err(error) => return Err(NotAsked::Refused(error)),
            },
        }
        waiting.heard().await
    }

    /// The kind of frame that answers.
    fn answer(&self) -> Option<Kind> {
        match self.kind {
            Asked::Call => Some(Kind::Response),
            Asked::Publish => Some(Kind::Ack),
            Asked::UnackedPublish => None,
        }
    }

    fn encode(&self, id: u64, timeout_ms: u32, detached: bool, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let custom = match self.edge {
            Some(edge) => Custom::tailed(&self.custom, edge),
            None => Custom::plain(&self.custom),
        };
        let mut flags = Flags::default();
        if self.kind == Asked::Publish {
            flags = flags.with(Flags::ACKED);
        }
        let len;
        let mut payload = &self.payload[..];
        if detached {
            flags = flags.with(Flags::DETACHED);
            len = detached::length(payload)?;
            payload = &len;
        }
        match self.kind {
            Asked::Call => {
                Request { timeout_ms, method: self.name, custom, payload }.encode_with(id, flags, out)
            }
            Asked::Publish | Asked::UnackedPublish => {
                Publish { timeout_ms, topic: self.name, custom, payload }.encode_with(id, flags, out)
            }
        }
    }
}

/// What is left until `deadline`.
pub(crate) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// In milliseconds, and at least one: 0 has another meaning.
pub(crate) fn millis(left: Duration) -> u32 {
    u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}
