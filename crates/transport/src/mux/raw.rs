//! A stream of either mux.

use super::quic::QuicStream;
use super::yamux::YamuxStream;
use bytes::Bytes;
use std::fmt;
use std::io;
use std::task::{Context, Poll};

/// A stream without the count of its link, whatever carries it.
pub(crate) enum RawStream {
    Yamux(YamuxStream),
    Quic(QuicStream),
}

impl RawStream {
    /// The next bytes as they came; `None` at the end.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Yamux(stream) => stream.poll_chunk(cx),
            Self::Quic(stream) => stream.poll_chunk(cx),
        }
        .map(|chunk| chunk.map(Ok))
    }

    /// Much of what has come, in one piece; `None` at the end. For the lane, where pieces are dearer
    /// than a copy, and where the loss of the connection is told apart from its end. Its owner asks whenever it has
    /// [accepted](super::Mux::poll_accept).
    pub(crate) fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Yamux(stream) => stream.read_owned().map(|batch| batch.map(Ok)),
            Self::Quic(stream) => stream.poll_batch(cx),
        }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Yamux(stream) => stream.poll_read(cx, into),
            Self::Quic(stream) => stream.poll_read(cx, into),
        }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Yamux(stream) => stream.poll_write(cx, bytes),
            Self::Quic(stream) => stream.poll_write(cx, bytes),
        }
    }

    /// Ends the writing half.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Yamux(stream) => {
                stream.finish();
                Ok(())
            }
            Self::Quic(stream) => stream.finish(),
        }
    }

    /// Lets the other streams of the link go first, where streams have an order.
    pub(crate) fn yield_lane(&self) {
        if let Self::Quic(stream) = self {
            stream.yield_lane();
        }
    }

    /// Whether the stream was reset by the peer or lost before it was over.
    pub(super) fn is_reset(&self) -> bool {
        match self {
            Self::Yamux(stream) => stream.is_reset(),
            Self::Quic(stream) => stream.is_reset(),
        }
    }

    pub(super) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Yamux(stream) => stream.poll_reset(cx),
            Self::Quic(stream) => stream.poll_reset(cx),
        }
    }

    /// Ready once the peer has taken a stream of ours out of its queue, or has refused it, where there is such a queue.
    pub(super) fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Yamux(stream) => stream.poll_taken(cx),
            Self::Quic(_) => Poll::Ready(()),
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        match self {
            Self::Yamux(stream) => stream.is_refused(),
            Self::Quic(_) => false,
        }
    }

    /// When it is dropped, what was written and has not come is taken back, where that can be.
    pub(super) fn reset(&mut self) {
        if let Self::Quic(stream) = self {
            stream.reset();
        }
    }

    /// When it is dropped, the peer may go on reading what was sent.
    pub(super) fn linger(&mut self) {
        match self {
            Self::Yamux(stream) => stream.linger(),
            Self::Quic(stream) => stream.linger(),
        }
    }
}

impl fmt::Debug for RawStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yamux(stream) => write!(f, "{}", stream.number()),
            Self::Quic(stream) => write!(f, "{}", stream.id()),
        }
    }
}
