//! The outlet of a sink: what the exchange sends there becomes messages for the broker.

use super::confirms::{Confirms, refusal};
use super::leg::NewSinkLeg;
use ahash::AHashMap;
use bytes::Bytes;
use frontier_exchange::{
    BoxFuture, CloseReason, CorrelationId, NewLeg, OpenError, Outcome, Outgoing, Outlet, QueueError, Queued,
    RequestKind, Sender,
};
use frontier_mq::{Message, SendError, Sink};
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;
use std::time::Duration;

/// Of the time that an edge waits, the sink has nine parts of ten: so that the edge hears what has become of its message,
/// and not only that its own time is over.
const SHARE: (u32, u32) = (9, 10);

/// The way to a broker.
#[derive(Clone, Debug)]
pub(super) struct SinkOutlet {
    sink: Arc<Sink>,
    confirms: Arc<Confirms>,
    /// One copy of each topic, for all its messages.
    topics: Arc<AHashMap<Box<str>, Arc<str>>>,
}

impl SinkOutlet {
    pub(super) fn new(sink: Arc<Sink>, confirms: Arc<Confirms>, topics: &[String]) -> Self {
        let topics = topics.iter().map(|topic| (topic.as_str().into(), topic.as_str().into())).collect();
        Self { sink, confirms, topics: Arc::new(topics) }
    }

    pub(super) fn sink(&self) -> &Arc<Sink> {
        &self.sink
    }

    pub(super) fn confirms(&self) -> &Arc<Confirms> {
        &self.confirms
    }

    /// The message that a request becomes, but for its payload.
    pub(super) fn message(&self, request: &Outgoing<'_>) -> Message {
        let (edge_id, labels) = match request.from {
            Sender::Edge { id, authorization } => {
                let labels = authorization.map(|authorization| {
                    authorization.with_labels(|labels| {
                        labels.iter().map(|(key, value)| (key.into(), value.into())).collect()
                    })
                });
                (id, labels.unwrap_or_default())
            }
            Sender::ByName { edge, .. } => (edge.id, Vec::new()),
            // The gateway itself; nobody else sends to services.
            Sender::Unnamed | Sender::Service { .. } => (EdgeId(0), Vec::new()),
        };
        let topic = self.topics.get(request.name).cloned().unwrap_or_else(|| request.name.into());
        let custom = Bytes::copy_from_slice(request.custom);
        Message { edge_id: edge_id.0, job: None, topic, custom, labels, payload: Bytes::new(), id: None }
    }
}

/// How long the sink may take over it.
pub(super) fn timeout(request: &Outgoing<'_>) -> Duration {
    Duration::from_millis(request.timeout_ms.into()) * SHARE.0 / SHARE.1
}

/// Under which the end of a message is told; `None` if nobody waits for it.
pub(super) fn token(request: &Outgoing<'_>) -> Option<u64> {
    request.correlation.map(|correlation| correlation.0)
}

/// Why a request is nothing for a broker.
pub(super) fn check_kind(request: &Outgoing<'_>) -> Result<(), (Code, &'static str)> {
    match request.kind {
        RequestKind::Message => Ok(()),
        RequestKind::Call => Err((Code::MethodNotFound, "a broker takes messages, and no calls")),
    }
}

impl Outlet for SinkOutlet {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        check_kind(request).map_err(|(code, text)| QueueError::Refused(code, text.into()))?;
        let payload = Bytes::copy_from_slice(request.payload);
        let message = Message { payload, ..self.message(request) };
        let sent = self.sink.send(message, token(request), timeout(request));
        sent.map(|()| Queued::SENT).map_err(|error: SendError| {
            let (code, text) = refusal(&error);
            QueueError::Refused(code, text.into())
        })
    }

    fn reply(&self, _: u64, _: RequestKind, _: Option<EdgeId>, _: Outcome<'_>) -> Result<Queued, QueueError> {
        Err(QueueError::Closed("a broker asks nothing".into()))
    }

    /// It is on its way already.
    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn NewLeg>, OpenError>> {
        Box::pin(async { Ok(Box::new(NewSinkLeg::new(self.clone())) as Box<dyn NewLeg>) })
    }

    /// The end of the drain closes sinks, which wait for their confirms.
    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}
