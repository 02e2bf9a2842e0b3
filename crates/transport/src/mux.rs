//! The seam between a link and what carries it: anything with streams can stand below.

mod pace;
pub(crate) mod quic;
mod raw;
mod slot;
mod yamux;

pub(crate) use self::yamux::{Mode, YamuxMux};
pub(crate) use raw::RawStream;
pub(crate) use slot::{StreamSlot, Streams};

use bytes::Bytes;
use pace::Pacer;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// A connection that carries streams. Its owner polls it; nothing moves otherwise.
pub(crate) trait Mux: Send {
    /// The next stream that the peer opened. Drives reads and writes as well; reads one buffer at most,
    /// and wakes itself if there may be more.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<RawStream>>;
    /// A new stream of our own.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<RawStream>>;
    /// Sends what has been gathered; called at the end of each turn. If that fails,
    /// [`poll_accept`](Self::poll_accept) says so, behind everything that has come.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    /// Sends what has been gathered, and ends our side of the connection, of which `lane` is the lane.
    fn poll_shutdown(&mut self, lane: &mut RawStream, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// When something last came from the peer, if anything has since the last call.
    fn take_heard(&mut self) -> Option<Instant>;
    /// Bytes of buffers that are held.
    #[cfg(test)]
    fn held(&self) -> usize;
}

/// One stream of a link: bytes in both directions, with flow control of its own.
///
/// `shutdown` ends the writing half. Dropping a stream whose halves have not both ended resets it.
/// Reading returns end-of-file both after the peer's end and after a reset, which
/// [`is_reset`](Self::is_reset) tells apart as long as our own half is open.
///
/// While requests go over the lane, writing waits now and then to leave them room: see
/// [`LinkConfig::bulk_rate`](crate::LinkConfig::bulk_rate).
pub struct MuxStream {
    raw: RawStream,
    /// What was read off the stream before it was handed on.
    head: Bytes,
    finished: bool,
    pacer: Pacer,
    slot: StreamSlot,
}

impl fmt::Debug for MuxStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MuxStream({:?})", self.raw)
    }
}

impl MuxStream {
    /// The longest piece that a stream's bytes are cut into, in bytes: half of 64 KiB and a frame's
    /// header. Longer pieces cost less, shorter ones let the lane in between sooner.
    pub const PIECE: usize = 32 * 1024 + frontier_protocol::HEADER_LEN;

    pub(crate) fn new(raw: RawStream, slot: StreamSlot) -> Self {
        let pacer = Pacer::new(&slot.streams().pace);
        Self { raw, head: Bytes::new(), finished: false, pacer, slot }
    }

    /// Puts bytes back in front of what is yet to be read.
    pub(crate) fn unread(&mut self, head: Bytes) {
        debug_assert!(self.head.is_empty(), "bytes are put back once");
        self.head = head;
    }

    /// Whether the stream was reset by the peer, or lost with its connection, while our writing half
    /// was open.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        !self.finished && self.raw.is_reset()
    }

    /// The next bytes as they came, without a copy; `None` at the end.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if !self.head.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.head))));
        }
        self.raw.poll_chunk(cx)
    }

    /// The next bytes as they came, without a copy; `None` at the end.
    ///
    /// # Errors
    /// When the connection is lost.
    ///
    /// # Cancel safety
    /// Cancel safe: no bytes are lost.
    pub async fn chunk(&mut self) -> Option<io::Result<Bytes>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }
}

impl AsyncRead for MuxStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.head.is_empty() {
            let n = self.head.len().min(into.remaining());
            into.put_slice(&self.head.split_to(n));
            return Poll::Ready(Ok(()));
        }
        self.raw.poll_read(cx, into.initialize_unfilled()).map_ok(|n| into.advance(n))
    }
}

impl AsyncWrite for MuxStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { raw, pacer, slot, .. } = &mut *self;
        ready!(pacer.poll_ready(&slot.streams().pace, cx));
        let written = ready!(raw.poll_write(cx, bytes))?;
        pacer.spend(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.raw.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // After a reset there is nothing to finish, and `is_reset` keeps saying so.
        if self.finished || self.raw.is_reset() {
            return Poll::Ready(Ok(()));
        }
        let closed = self.raw.poll_finish(cx);
        if closed.is_ready() {
            self.finished = true;
        }
        closed
    }
}
