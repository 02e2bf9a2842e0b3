//! Large payloads, which our own wire carries on legs: here each is one packet.

use super::lane::Lane;
use crate::inner_leg::{Inner, InnerLeg};
use bytes::Bytes;
use frontier_exchange::{BoxFuture, Failure, IncomingLeg, QueueError, Queued};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::Poll;

/// What is passed on at once of a payload that has come, in bytes.
const PIECE: usize = 64 * 1024;

/// The longest payload that fits a packet, in bytes: base64 makes four of three, and beside it stand names and headers.
pub(super) const MAX_PAYLOAD: usize = (frontier_geminio::MAX_BODY - 128 * 1024) / 4 * 3;

/// A payload that has come whole.
#[derive(Debug)]
pub(super) struct Received(pub(super) Bytes);

impl InnerLeg for Received {
    fn poll_chunk(&mut self) -> Poll<Option<Bytes>> {
        let len = self.0.len().min(PIECE);
        Poll::Ready((len > 0).then(|| self.0.split_to(len)))
    }

    /// Nothing is said back on it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl IncomingLeg for Inner<Received> {
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

impl InnerLeg for Gathering {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() + bytes.len() > MAX_PAYLOAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(queue) = self.queue.take() else { return Ok(()) };
        let queued = queue(std::mem::take(&mut self.gathered));
        if queued.is_ok() {
            self.lane.work.notify_one();
        }
        queued.map(drop).map_err(io::Error::other)
    }

    fn is_over(&self) -> bool {
        self.lane.close_reason().is_some()
    }
}
