//! A large payload of a broker's message, as a leg from which the exchange reads it.

use crate::inner_leg::{Inner, InnerLeg};
use bytes::Bytes;
use frontier_exchange::{BoxFuture, Failure, IncomingLeg};
use std::io;
use std::task::Poll;

/// How much of it is given out at once.
const CHUNK: usize = 64 << 10;

/// What is left of a payload.
#[derive(Debug)]
pub(super) struct PayloadLeg(Bytes);

impl PayloadLeg {
    pub(super) fn new(payload: Bytes) -> Self {
        Self(payload)
    }
}

impl InnerLeg for PayloadLeg {
    fn poll_chunk(&mut self) -> Poll<Option<Bytes>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let chunk = self.0.split_to(CHUNK.min(self.0.len()));
        Poll::Ready(Some(chunk))
    }

    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl IncomingLeg for Inner<PayloadLeg> {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn refuse<'a>(self: Box<Self>, _: &'a Failure) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}
