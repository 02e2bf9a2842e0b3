//! Messages to be sent, as users await them.

use crate::client::{Envelope, EnvelopeKind, PendingRequest, Target};
use crate::{Error, TraceContext};
use bytes::Bytes;
use frontier_protocol::EdgeId;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A message that goes out when it is awaited.
///
/// # Errors
/// Awaiting it fails with what the receiver or the gateway said, or with
/// [`Code::Deadline`](crate::Code::Deadline) when the time is up,
/// [`Code::Disconnected`](crate::Code::Disconnected) when the connection was lost before the ack came
/// or there was none all the time, and [`Code::TooLarge`](crate::Code::TooLarge) before anything is
/// sent.
///
/// # Cancel safety
/// Dropping it stops the wait. What has been sent is not called back.
#[must_use = "a message goes out when it is awaited"]
pub struct Publish<'a>(PendingRequest<'a>);

impl<'a> Publish<'a> {
    pub(crate) fn new(
        target: Target<'a>,
        topic: &'a str,
        payload: impl Into<Bytes>,
        edge: Option<EdgeId>,
    ) -> Self {
        let envelope = Envelope {
            kind: EnvelopeKind::Publish,
            name: topic,
            payload: payload.into(),
            custom: Bytes::new(),
            trace: None,
            edge,
            timeout: target.call_timeout(),
        };
        Self(PendingRequest::new(target, envelope))
    }

    /// How long to wait for the ack, from the first poll on. It travels with the message.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.change(|envelope| envelope.timeout = timeout);
        self
    }

    /// The trace that the message belongs to; without this, and with the feature `trace`, that of the current span.
    pub fn trace(mut self, context: impl Into<Option<TraceContext>>) -> Self {
        self.0.change(|envelope| envelope.trace = context.into());
        self
    }

    /// A header beside the payload.
    pub fn custom(mut self, custom: impl Into<Bytes>) -> Self {
        self.0.change(|envelope| envelope.custom = custom.into());
        self
    }

    /// What the message is about. A message from an edge has its topic already.
    pub fn topic(mut self, topic: &'a str) -> Self {
        self.0.change(|envelope| envelope.name = topic);
        self
    }

    /// Does not wait for the receiver: it is done when the message is in the outbox, and may be lost
    /// behind it without a word.
    pub fn unacked(mut self) -> Self {
        self.0.change(|envelope| envelope.kind = EnvelopeKind::UnackedPublish);
        self
    }
}

impl Future for Publish<'_> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_ok(drop)
    }
}

impl fmt::Debug for Publish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Publish").field(&self.0).finish()
    }
}
