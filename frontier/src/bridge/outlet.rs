//! The way out of the exchange to the bridge: a message goes into the inbox of its topic, and is confirmed from there.

use super::leg::NewMessageLeg;
use bytes::Bytes;
use frontier_bridge::{Inbox, Message, Post};
use frontier_exchange::{
    BoxFuture, CloseReason, CorrelationId, NewLeg, OpenError, Outcome, Outgoing, Outlet, QueueError, Queued,
    RequestKind, Sender,
};
use frontier_protocol::EdgeId;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Payloads that come on legs of their own at once: each is held until it has all come.
const MAX_LEGS: usize = 64;

/// The inboxes of the bridge, by topic, and the longest payload.
#[derive(Debug)]
pub(super) struct Inboxes {
    by_topic: BTreeMap<String, Inbox<CorrelationId>>,
    pub(super) message_size: usize,
}

/// What is behind the service that takes the topics.
#[derive(Debug)]
pub(super) struct BridgeOutlet {
    inboxes: Arc<Inboxes>,
    legs: Arc<Semaphore>,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    TooLarge,
    Full,
    NoTopic,
}

impl Inboxes {
    /// Takes a message.
    pub(super) fn offer(
        &self,
        topic: &str,
        message: Message,
        receipt: Option<CorrelationId>,
    ) -> Result<(), Refused> {
        if message.payload.len() > self.message_size {
            return Err(Refused::TooLarge);
        }
        let inbox = self.by_topic.get(topic).ok_or(Refused::NoTopic)?;
        inbox.offer(Post { message, receipt }).map_err(|_| Refused::Full)
    }

    /// What is said of one that is too long.
    pub(super) fn too_large(&self) -> String {
        format!("the bridge takes payloads of {} bytes at most (bridge.message_size)", self.message_size)
    }
}

impl BridgeOutlet {
    pub(super) fn new(by_topic: BTreeMap<String, Inbox<CorrelationId>>, message_size: usize) -> Self {
        let inboxes = Arc::new(Inboxes { by_topic, message_size });
        Self { inboxes, legs: Arc::new(Semaphore::new(MAX_LEGS)) }
    }
}

/// Who sends a request; 0 if that is no edge.
pub(super) fn edge_of(sender: &Sender<'_>) -> u64 {
    match sender {
        Sender::Edge { id, .. } => id.0,
        _ => 0,
    }
}

impl Outlet for BridgeOutlet {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        // A call has no topic.
        if request.kind != RequestKind::Message {
            return Err(QueueError::Closed("the bridge answers no calls".into()));
        }
        if request.payload.len() > self.inboxes.message_size {
            return Err(QueueError::TooLarge(self.inboxes.too_large().into()));
        }
        let copy = Bytes::copy_from_slice;
        let message = Message::now(edge_of(&request.from), copy(request.custom), copy(request.payload));
        match self.inboxes.offer(request.name, message, request.correlation) {
            Ok(()) => Ok(Queued::SENT),
            Err(Refused::TooLarge) => Err(QueueError::TooLarge(self.inboxes.too_large().into())),
            Err(Refused::Full) => Err(QueueError::Full),
            Err(Refused::NoTopic) => Err(QueueError::Closed("the bridge takes no such topic".into())),
        }
    }

    fn reply(&self, _: u64, _: RequestKind, _: Option<EdgeId>, _: Outcome<'_>) -> Result<Queued, QueueError> {
        Err(QueueError::Closed("the bridge asks nothing".into()))
    }

    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn NewLeg>, OpenError>> {
        let permit = self.legs.clone().try_acquire_owned();
        let leg = permit.map(|permit| NewMessageLeg { inboxes: self.inboxes.clone(), permit });
        let many = u32::try_from(MAX_LEGS).unwrap_or(u32::MAX);
        let leg = leg.map(|leg| Box::new(leg) as Box<dyn NewLeg>).map_err(|_| OpenError::TooMany(many));
        Box::pin(async { leg })
    }

    /// It is a part of the gateway, and goes with it.
    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}
