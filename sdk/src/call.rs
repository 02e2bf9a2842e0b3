//! Calls, as users await them.

use crate::client::{Envelope, EnvelopeKind, PendingRequest, Target};
use crate::{Error, Response, TraceContext};
use bytes::Bytes;
use frontier_protocol::EdgeId;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A call that goes out when it is awaited.
///
/// # Errors
/// Awaiting it fails with the other side's error, or with
/// [`Code::Deadline`](crate::Code::Deadline) when the time is up,
/// [`Code::Disconnected`](crate::Code::Disconnected) when the connection was lost while the call was
/// in flight or there was none all the time, and [`Code::TooLarge`](crate::Code::TooLarge) before
/// anything is sent.
///
/// # Cancel safety
/// Dropping it cancels the call: the other side's handler is dropped as well. It may have had its
/// effect.
#[must_use = "a call goes out when it is awaited"]
pub struct Call<'a>(PendingRequest<'a>);

impl<'a> Call<'a> {
    pub(crate) fn new(
        target: Target<'a>,
        method: &'a str,
        payload: impl Into<Bytes>,
        edge: Option<EdgeId>,
    ) -> Self {
        let envelope = Envelope {
            kind: EnvelopeKind::Call,
            name: method,
            payload: payload.into(),
            custom: Bytes::new(),
            trace: None,
            edge,
            timeout: target.call_timeout(),
        };
        Self(PendingRequest::new(target, envelope))
    }

    pub(crate) fn into_parts(self) -> (Target<'a>, Envelope<'a>) {
        self.0.into_parts()
    }

    /// How long to wait for the answer, from the first poll on. It travels with the call.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.change(|envelope| envelope.timeout = timeout);
        self
    }

    /// The trace that the call belongs to; without this, and with the feature `trace`, that of the current span.
    pub fn trace(mut self, context: impl Into<Option<TraceContext>>) -> Self {
        self.0.change(|envelope| envelope.trace = context.into());
        self
    }

    /// A header beside the payload.
    pub fn custom(mut self, custom: impl Into<Bytes>) -> Self {
        self.0.change(|envelope| envelope.custom = custom.into());
        self
    }
}

impl Future for Call<'_> {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.0).finish()
    }
}
