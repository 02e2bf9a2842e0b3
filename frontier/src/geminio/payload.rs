//! Large payloads, which our own wire carries on legs: here each is one packet.

use super::lane::Lane;
use bytes::Bytes;
use frontier_exchange::{BoxFuture, Failure, IncomingLeg, Leg, QueueError, Queued};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What is passed on at once of a payload that has come, in bytes.
const PIECE: usize = 64 * 1024;

/// The longest payload that fits a packet, in bytes: base64 makes four of three, and beside it stand names and headers.
pub(super) const MAX_PAYLOAD: usize = (frontier_geminio::MAX_BODY - 128 * 1024) / 4 * 3;

/// A payload that has come whole.
#[derive(Debug)]
pub(super) struct Received(pub(super) Bytes);

impl Leg for Received {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let len = self.0.len().min(PIECE);
        Poll::Ready((len > 0).then(|| Ok(self.0.split_to(len))))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_reset(&self) -> bool {
        false
    }

    fn poll_reset(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    fn poll_taken(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_refused(&self) -> bool {
        false
    }

    fn linger(self: Box<Self>) {}

    fn reset(self: Box<Self>) {}

    fn poll_abandoned(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl IncomingLeg for Received {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn refuse<'a>(self: Box<Self>, _: &'a Failure) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

/// What queues a packet once its payload is there.
pub(super) type Queue = Box<dyn FnOnce(Vec<u8>) -> Result<Queued, QueueError> + Send>;

/// A payload that is gathered until it can be sent.
pub(super) struct Gathering {
    lane: Arc<Lane>,
    gathered: Vec<u8>,
    queue: Option<Queue>,
}

impl fmt::Debug for Gathering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering").field("gathered", &self.gathered.len()).finish_non_exhaustive()
    }
}

impl Gathering {
    pub(super) fn new(lane: Arc<Lane>, queue: Queue) -> Self {
        Self { lane, gathered: Vec::new(), queue: Some(queue) }
    }
}

impl Leg for Gathering {
    /// The peer has nothing to say on it.
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        Poll::Ready(None)
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.gathered.len() + bytes.len() > MAX_PAYLOAD {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        self.gathered.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(queue) = self.queue.take() else { return Poll::Ready(Ok(())) };
        let queued = queue(std::mem::take(&mut self.gathered));
        if queued.is_ok() {
            self.lane.work.notify_one();
        }
        Poll::Ready(queued.map(drop).map_err(io::Error::other))
    }

    fn is_reset(&self) -> bool {
        false
    }

    fn poll_reset(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.lane.close_reason().is_some() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_taken(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_refused(&self) -> bool {
        false
    }

    fn linger(self: Box<Self>) {}

    fn reset(self: Box<Self>) {}

    fn poll_abandoned(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
