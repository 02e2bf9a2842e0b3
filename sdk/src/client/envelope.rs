//! What is sent to the other side and may be answered: calls and messages.

use crate::connection::{Connection, NotSent, ResponseFuture, detached};
use crate::delivery::Reply;
use crate::{Error, Response, TraceContext};
use bytes::Bytes;
use frontier_protocol::{Code, Custom, EdgeId, EncodeError, FRAGMENT, Flags, Kind, Publish, Request};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A call or a message to be sent.
#[derive(Clone)]
pub(crate) struct Envelope<'a> {
    pub(crate) kind: EnvelopeKind,
    /// The method or the topic.
    pub(crate) name: &'a str,
    pub(crate) payload: Bytes,
    pub(crate) custom: Bytes,
    pub(crate) trace: Option<TraceContext>,
    /// The edge that a service means.
    pub(crate) edge: Option<EdgeId>,
    pub(crate) timeout: Duration,
}

/// What the requester waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvelopeKind {
    /// A response.
    Call,
    /// An ack.
    Publish,
    /// Nothing.
    UnackedPublish,
}

/// What is done over one connection, and over another one where nothing was sent.
pub(crate) trait Operation: Sync {
    /// What it gives.
    type Output: Send;

    /// Does it over this connection.
    fn perform(
        &self,
        connection: &Arc<Connection>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Self::Output, NotSent>> + Send;

    /// The edge that a service means.
    fn edge(&self) -> Option<EdgeId>;

    /// Refuses the id that no edge has, which would be looked for in vain in the whole cluster.
    fn check_edge(&self) -> Result<(), Error> {
        match self.edge() {
            Some(EdgeId(0)) => Err(Error::new(Code::EdgeNotOnline, "0 is the id of no edge")),
            _ => Ok(()),
        }
    }

    /// Whether it failed because the gateway does not have the edge.
    fn is_at_other_gateway(&self, error: &Error) -> bool {
        self.edge().is_some() && error.code() == Code::EdgeNotOnline
    }
}

impl Operation for Envelope<'_> {
    type Output = Response;

    async fn perform(&self, connection: &Arc<Connection>, deadline: Instant) -> Result<Response, NotSent> {
        self.check(connection).map_err(NotSent::Refused)?;
        if self.is_detached() {
            return self.send_detached(connection, deadline).await;
        }
        match self.send(connection, deadline, left(deadline))? {
            Some(mut waiting) => waiting.response().await,
            None => Ok(Response::default()),
        }
    }

    fn edge(&self) -> Option<EdgeId> {
        self.edge
    }
}

impl Envelope<'_> {
    /// The same under this name, which lasts less long.
    pub(crate) fn named<'a>(&self, name: &'a str) -> Envelope<'a> {
        let Self { kind, payload, custom, trace, edge, timeout, .. } = self.clone();
        Envelope { kind, name, payload, custom, trace, edge, timeout }
    }

    /// Takes the trace of the current span, unless it has one.
    #[cfg(feature = "trace")]
    pub(crate) fn find_trace(&mut self) {
        if self.trace.is_none() {
            self.trace = TraceContext::current();
        }
    }

    /// Refuses what can be sent nowhere. Until when it may take.
    pub(crate) fn begin(&self) -> Result<Instant, Error> {
        self.check_edge()?;
        let text = "the timeout is too long: the deadline would be out of range";
        Instant::now().checked_add(self.timeout).ok_or_else(|| Error::new(Code::TooLarge, text))
    }

    /// Whether the payload goes on a stream of its own.
    pub(crate) fn is_detached(&self) -> bool {
        self.payload.len() > FRAGMENT
    }

    /// Refuses what the gateway would refuse.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), Error> {
        let (len, max) = (self.payload.len(), connection.max_payload);
        if len as u64 > max {
            return Err(Error::new(
                Code::TooLarge,
                format!("a payload of {len} bytes is over max_payload of the gateway, {max}"),
            ));
        }
        Ok(())
    }

    /// Puts it on the lane, payload included; `left` is what is left until the deadline. `None` if
    /// no answer is wanted.
    pub(crate) fn send(
        &self,
        connection: &Arc<Connection>,
        deadline: Instant,
        left: Duration,
    ) -> Result<Option<ResponseFuture>, NotSent> {
        let timeout_ms = millis(left);
        let takes_traces = connection.takes_traces;
        let encode = |id, out: &mut Vec<u8>| self.encode(id, timeout_ms, takes_traces, false, out);
        match self.answer() {
            Some(answer) => connection.request(answer, deadline, encode).map(Some),
            None => connection.send(|out| encode(0, out)).map(|()| None),
        }
    }

    /// Puts a call on the lane, whose answer goes to `reply`: its id.
    pub(crate) fn send_among(
        &self,
        connection: &Connection,
        deadline: Instant,
        reply: Reply,
    ) -> Result<u64, NotSent> {
        let (timeout_ms, takes_traces) = (millis(self.timeout), connection.takes_traces);
        connection.call(deadline, reply, |id, out| self.encode(id, timeout_ms, takes_traces, false, out))
    }

    /// Sends it with its payload on a stream of its own, and waits for the answer.
    pub(crate) async fn send_detached(
        &self,
        connection: &Arc<Connection>,
        deadline: Instant,
    ) -> Result<Response, NotSent> {
        let waiting = self.answer().map(|answer| connection.reserve(answer, deadline)).transpose()?;
        let id = waiting.as_ref().map_or(0, ResponseFuture::id);
        let mut head = Vec::new();
        let encoded = self.encode(id, millis(left(deadline)), connection.takes_traces, true, &mut head);
        encoded.map_err(|error| NotSent::Refused(error.into()))?;
        let send = detached::send(&connection.link, &head, &self.payload);
        let Some(mut waiting) = waiting else {
            let sent = tokio::time::timeout_at(deadline, send).await;
            let sent = sent.unwrap_or_else(|_| Err(Error::new(Code::Deadline, "")));
            return sent.map(|()| Response::default()).map_err(NotSent::Refused);
        };
        tokio::select! {
            biased;
            // The gateway need not have seen the whole payload to know that it will come to nothing.
            answer = waiting.response() => return answer,
            sent = send => match sent {
                // If the gateway reset the stream it says why on the lane.
                Ok(()) => {}
                Err(error) if error.code() == Code::Disconnected => {}
                Err(error) => return Err(NotSent::Refused(error)),
            },
        }
        waiting.response().await
    }

    /// The kind of frame that answers.
    fn answer(&self) -> Option<Kind> {
        match self.kind {
            EnvelopeKind::Call => Some(Kind::Response),
            EnvelopeKind::Publish => Some(Kind::Ack),
            EnvelopeKind::UnackedPublish => None,
        }
    }

    fn encode(
        &self,
        id: u64,
        timeout_ms: u32,
        takes_traces: bool,
        detached: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let custom = match self.edge {
            Some(edge) => Custom::tailed(&self.custom, edge),
            None => Custom::plain(&self.custom),
        };
        let custom = match &self.trace {
            Some(trace) if takes_traces => custom.traced(trace.encoded()),
            _ => custom,
        };
        let mut flags = Flags::default();
        if self.kind == EnvelopeKind::Publish {
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
            EnvelopeKind::Call => {
                Request { timeout_ms, method: self.name, custom, payload }.encode_with(id, flags, out)
            }
            EnvelopeKind::Publish | EnvelopeKind::UnackedPublish => {
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
