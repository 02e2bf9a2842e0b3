//! A stream of either mux.

use super::quic::QuicStream;
use bytes::Bytes;
use futures_util::Stream as _;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream without the count of its link, whatever carries it.
pub(crate) enum RawStream {
    Yamux(::yamux::Stream),
    Quic(QuicStream),
}

impl RawStream {
    /// The next bytes as they came; `None` at the end.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Yamux(stream) => poll_packet(stream, cx),
            Self::Quic(stream) => stream.poll_chunk(cx).map(|chunk| chunk.map(Ok)),
        }
    }

    /// Much of what has come, in one piece; `None` at the end. For the lane, where pieces are dearer
    /// than a copy, and where the loss of the connection is told apart from its end.
    pub(crate) fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Yamux(stream) => poll_packet(stream, cx),
            Self::Quic(stream) => stream.poll_batch(cx),
        }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Yamux(stream) => futures_io::AsyncRead::poll_read(Pin::new(stream), cx, into),
            Self::Quic(stream) => stream.poll_read(cx, into),
        }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Yamux(stream) => futures_io::AsyncWrite::poll_write(Pin::new(stream), cx, bytes),
            Self::Quic(stream) => stream.poll_write(cx, bytes),
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Yamux(stream) => futures_io::AsyncWrite::poll_flush(Pin::new(stream), cx),
            // What was written goes out by itself.
            Self::Quic(_) => Poll::Ready(Ok(())),
        }
    }

    /// Ends the writing half.
    pub(super) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Yamux(stream) => futures_io::AsyncWrite::poll_close(Pin::new(stream), cx),
            Self::Quic(stream) => Poll::Ready(stream.finish()),
        }
    }

    /// Lets the other streams of the link go first, where streams have an order.
    pub(crate) fn yield_lane(&self) {
        if let Self::Quic(stream) = self {
            stream.yield_lane();
        }
    }

    /// Whether the stream was reset by the peer or lost; means something only while the writing half
    /// is open.
    pub(super) fn is_reset(&self) -> bool {
        match self {
            Self::Yamux(stream) => stream.is_closed(),
            Self::Quic(stream) => stream.is_reset(),
        }
    }
}

impl fmt::Debug for RawStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yamux(stream) => write!(f, "{stream}"),
            Self::Quic(stream) => write!(f, "{}", stream.id()),
        }
    }
}

/// The packet's own memory where it can be had; yamux lends it only as a slice.
fn poll_packet(stream: &mut ::yamux::Stream, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
    Pin::new(stream).poll_next(cx).map_ok(Bytes::from_owner)
}
