//! One stream of yamux.

use super::shared::Shared;
use bytes::Bytes;
use frontier_yamux::{Read, Write};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

use crate::buffer;

/// Both halves of one stream. Dropped before both have ended, it is given up, and the peer told.
pub(crate) struct YamuxStream {
    shared: Arc<Shared>,
    number: u32,
    /// Whether the peer may still read what was sent when this is dropped.
    lingers: bool,
}

impl YamuxStream {
    pub(super) fn new(shared: Arc<Shared>, number: u32) -> Self {
        Self { shared, number, lingers: false }
    }

    pub(in crate::mux) fn number(&self) -> u32 {
        self.number
    }

    pub(in crate::mux) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.shared.use_stream(|connection| match connection.read(self.number, now) {
            Read::Some(bytes) => Poll::Ready(Some(bytes)),
            Read::End => Poll::Ready(None),
            Read::Blocked => {
                connection.wait_readable(self.number, cx.waker().clone());
                Poll::Pending
            }
        })
    }

    /// As [`poll_chunk`](Self::poll_chunk), for the owner of the socket, who asks whenever it has read.
    pub(in crate::mux) fn read_owned(&mut self) -> Poll<Option<Bytes>> {
        self.shared.update(|connection| match connection.read(self.number, now) {
            Read::Some(bytes) => Poll::Ready(Some(bytes)),
            Read::End => Poll::Ready(None),
            Read::Blocked => Poll::Pending,
        })
    }

    pub(in crate::mux) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.shared.use_stream(|connection| match connection.read_into(self.number, into, now) {
            Read::Some(n) => Poll::Ready(Ok(n)),
            Read::End => Poll::Ready(Ok(0)),
            Read::Blocked if into.is_empty() => Poll::Ready(Ok(0)),
            Read::Blocked => {
                connection.wait_readable(self.number, cx.waker().clone());
                Poll::Pending
            }
        })
    }

    pub(in crate::mux) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.shared.use_stream(|connection| match connection.write(self.number, bytes, buffer::take) {
            Write::Some(n) => Poll::Ready(Ok(n)),
            Write::Closed => Poll::Ready(Err(closed(connection.is_given_up(self.number)))),
            Write::Blocked => {
                connection.wait_writable(self.number, cx.waker().clone());
                Poll::Pending
            }
        })
    }

    pub(in crate::mux) fn finish(&mut self) {
        self.shared.use_stream(|connection| connection.finish(self.number));
    }

    pub(in crate::mux) fn is_reset(&self) -> bool {
        self.shared.update(|connection| connection.is_reset(self.number))
    }

    /// Ready once the peer has given the stream up, or it was lost, before it was over.
    pub(in crate::mux) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.update(|connection| {
            if connection.is_given_up(self.number) {
                return Poll::Ready(());
            }
            connection.wait_writable(self.number, cx.waker().clone());
            Poll::Pending
        })
    }

    /// Ready once the peer has taken the stream, or has refused it.
    pub(in crate::mux) fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.update(|connection| {
            if connection.is_taken(self.number) || connection.is_given_up(self.number) {
                return Poll::Ready(());
            }
            connection.wait_writable(self.number, cx.waker().clone());
            Poll::Pending
        })
    }

    pub(in crate::mux) fn is_refused(&self) -> bool {
        self.shared.update(|connection| connection.is_refused(self.number))
    }

    pub(in crate::mux) fn linger(&mut self) {
        self.lingers = true;
    }
}

impl Drop for YamuxStream {
    fn drop(&mut self) {
        let (number, lingers) = (self.number, self.lingers);
        self.shared.use_stream(|connection| match lingers {
            true => connection.linger(number),
            false => connection.release(number),
        });
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn closed(is_reset: bool) -> io::Error {
    match is_reset {
        true => io::Error::new(io::ErrorKind::ConnectionReset, "the peer has given the stream up"),
        false => io::Error::new(io::ErrorKind::BrokenPipe, "the stream's writing half has ended"),
    }
}
