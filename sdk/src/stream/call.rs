//! Calls and messages on a stream, as users await them.

use super::core::Core;
use super::error::{StreamError, lost};
use super::pending::Outcome;
use super::pump::Pump;
use super::request::StreamResponse;
use bytes::{Bytes, BytesMut};
use frontier_protocol::{Cancel, Code, Custom, EncodeError, Flags, Kind, Publish, Request};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

/// A call or a message on a stream, to be awaited: made by [`Stream::call`](super::Stream::call) and
/// [`Stream::publish`](super::Stream::publish).
#[must_use = "nothing is sent until it is awaited"]
pub struct Outgoing<T> {
    core: Arc<Core>,
    kind: Kind,
    name: String,
    data: Bytes,
    custom: Bytes,
    timeout: Duration,
    into: fn(StreamResponse) -> T,
}

impl<T> fmt::Debug for Outgoing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("kind", &self.kind).field("name", &self.name).finish_non_exhaustive()
    }
}

impl<T> Outgoing<T> {
    pub(super) fn new(
        core: &Arc<Core>,
        kind: Kind,
        name: String,
        data: Bytes,
        into: fn(StreamResponse) -> T,
    ) -> Self {
        let timeout = core.config.call_timeout;
        Self { core: core.clone(), kind, name, data, custom: Bytes::new(), timeout, into }
    }

    /// Adds a header.
    pub fn custom(mut self, custom: impl Into<Bytes>) -> Self {
        self.custom = custom.into();
        self
    }

    /// How long to wait for the answer, instead of the stream's `call_timeout`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn run(self) -> Outcome {
        Pump::read(&self.core);
        self.core.wire.lock().writable()?;
        let (id, answer) = self.core.pending.insert(self.kind)?;
        let mut waiting = Waiting { core: &self.core, kind: self.kind, id, sent: false };
        let frame = self.encode(id)?;
        let exchange = async {
            let send = |cx: &mut Context<'_>| self.core.poll_wire(cx, |wire, cx| wire.poll_frame(cx, &frame));
            std::future::poll_fn(send).await?;
            waiting.sent = true;
            answer.await.unwrap_or_else(|_| Err(lost().into()))
        };
        let late = |_| Err(StreamError::new(Code::Deadline, "no answer within the timeout"));
        tokio::time::timeout(self.timeout, exchange).await.unwrap_or_else(late)
    }

    fn encode(&self, id: u64) -> Result<BytesMut, StreamError> {
        let max = self.core.config.max_frame;
        if self.data.len() > max {
            return Err(StreamError::too_large(self.data.len(), max));
        }
        let mut frame = BytesMut::new();
        self.put(id, &mut frame)?;
        if frame.len() > max {
            return Err(StreamError::too_large(frame.len(), max));
        }
        Ok(frame)
    }

    fn put(&self, id: u64, out: &mut BytesMut) -> Result<(), EncodeError> {
        // 0 would stand for the other end's default.
        let timeout_ms = u32::try_from(self.timeout.as_millis()).unwrap_or(u32::MAX).max(1);
        let custom = Custom::plain(&self.custom);
        if self.kind == Kind::Publish {
            let publish = Publish { timeout_ms, topic: &self.name, custom, payload: &self.data };
            publish.encode_with(id, Flags::ACKED, out)
        } else {
            Request { timeout_ms, method: &self.name, custom, payload: &self.data }.encode(id, out)
        }
    }
}

impl<T: 'static> IntoFuture for Outgoing<T> {
    type Output = Result<T, StreamError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let into = self.into;
        self.run().map(move |outcome| outcome.map(into)).boxed()
    }
}

/// A request that is waiting for its reply. Dropping it gives its place back, and tells the other end if it
/// works on an answer.
struct Waiting<'a> {
    core: &'a Arc<Core>,
    kind: Kind,
    id: u64,
    sent: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.core.pending.remove(self.id) && self.sent && self.kind == Kind::Request {
            self.core.answer_or_close(|out| Cancel::encode(self.id, out));
        }
    }
}
