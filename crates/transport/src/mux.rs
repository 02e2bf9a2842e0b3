//! The seam between a link and what carries it: anything with streams can stand below.

mod pace;
pub(crate) mod quic;
mod raw;
mod slot;
mod yamux;

pub(crate) use self::yamux::{Role, YamuxMux};
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

/// Bytes of a connection, those of its multiplexer included: inside TLS and WebSocket; over QUIC whole datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the peer.
    pub received: u64,
    /// To the peer.
    pub sent: u64,
}

/// A connection that carries streams. Its owner polls it; nothing moves otherwise.
pub(crate) trait Mux: Send {
    /// The next stream that the peer opened. Drives reads and writes as well; reads one buffer at most,
    /// and wakes itself if there may be more.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<RawStream>>;
    /// A new stream of our own; none if the peer takes no more on this connection.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<RawStream>>>;
    /// Sends what waits; called at the end of each turn. Ready when nothing does. If that fails,
    /// [`poll_accept`](Self::poll_accept) says so, behind everything that has come.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    /// Sends what has been gathered, and ends our side of the connection, of which `lane` is the lane.
    fn poll_shutdown(&mut self, lane: &mut RawStream, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// What has come and gone so far.
    fn traffic(&self) -> Traffic;
    /// When something last came from the peer, if anything has since the last call.
    fn take_heard(&mut self) -> Option<Instant>;
    /// Bytes of buffers that are held.
    #[cfg(test)]
    fn held(&self) -> usize;
}

/// One stream of a link: bytes in both directions, with flow control of its own.
///
/// `shutdown` ends the writing half. Dropping a stream whose halves have not both ended resets it, unless it is let
/// go with [`linger`](Self::linger). Reading returns end-of-file both after the peer's end and after a reset, which
/// [`is_reset`](Self::is_reset) tells apart.
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

    /// Whether the stream was reset by the peer, or lost with its connection, before the peer's half had ended: what was
    /// read is not the whole.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        self.raw.is_reset()
    }

    /// Ready once the stream is reset, be it behind the peer's end or behind our own: for whoever has nothing to read or
    /// to write meanwhile.
    pub fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.raw.poll_reset(cx)
    }

    /// Ready once the peer has taken a stream of ours out of its queue, or has refused it or given it up.
    pub fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.raw.poll_taken(cx)
    }

    /// Whether the peer gave a stream of ours up without having looked at it, as one does that has too many. Then it may
    /// be tried again.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.raw.is_refused()
    }

    /// Lets go of a stream from which nothing more is expected, after a shutdown: unlike a reset this takes nothing from
    /// a peer that still reads what was sent. If it sends more, it is told that nobody reads.
    pub fn linger(mut self) {
        if self.finished {
            self.raw.linger();
        }
    }

    /// Gives the stream up as a drop does, but at once where the carrier can: over QUIC what was written and has not come
    /// is lost, and the peer is told of a reset rather than of an end.
    pub fn reset(mut self) {
        self.raw.reset();
    }

    /// Whether the peer's half came to its end, if only because it was given up.
    #[cfg(test)]
    pub(crate) fn has_ended(&self) -> bool {
        matches!(&self.raw, RawStream::Quic(stream) if stream.has_ended())
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

    /// What was written goes out by itself.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.finished {
            self.raw.finish()?;
            self.finished = true;
        }
        Poll::Ready(Ok(()))
    }
}
