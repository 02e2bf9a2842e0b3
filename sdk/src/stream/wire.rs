//! The writing half of a stream: frames and raw bytes in the order in which the mux takes them.

use super::error::{lost, shut_down};
use bytes::{Buf, BytesMut};
use frontier_protocol::{DATA_OVERHEAD, data_end, data_header};
use frontier_transport::MuxStream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// The pieces that the transport cuts a stream's bytes into, in bytes.
const PIECE: usize = MuxStream::PIECE;

/// Raw bytes in one frame at most.
const MAX_DATA: usize = 64 * 1024;

/// A staging buffer that has grown beyond this is freed when it is empty, in bytes.
const KEPT_BUFFER: usize = 4 * 1024;

/// The mux stream, and what it has not yet taken.
///
/// A frame that was started is finished before another starts: what the mux does not take at once is
/// copied into `staged`, and goes out before anything else.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) mux: Option<MuxStream>,
    staged: BytesMut,
    half: Half,
}

/// Our half of the stream.
///
/// ```text
/// Open ── shutdown ──▶ Ending ── the mux took everything ──▶ Ended
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Open,
    /// The last frame is staged.
    Ending,
    Ended,
}

impl Wire {
    pub(super) fn new(mux: MuxStream) -> Self {
        Self { mux: Some(mux), staged: BytesMut::new(), half: Half::Open }
    }

    /// Bytes that the mux has not taken yet.
    pub(super) fn backlog(&self) -> usize {
        self.staged.len()
    }

    /// Lets go of the mux stream if our half has ended: the other end may read what was written for long.
    pub(super) fn linger(&mut self) {
        if self.half == Half::Ended
            && let Some(mux) = self.mux.take()
        {
            mux.linger();
        }
    }

    /// Whether frames may still be written.
    ///
    /// # Errors
    /// The reason for which not.
    pub(super) fn writable(&self) -> io::Result<()> {
        match self.half {
            Half::Open if self.mux.is_none() => Err(lost()),
            Half::Open => Ok(()),
            Half::Ending | Half::Ended => Err(shut_down()),
        }
    }

    /// Ready when the mux has taken all that was staged.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.staged.is_empty() {
            let taken = ready!(poll_write(&mut self.mux, cx, &self.staged))?;
            self.staged.advance(taken);
        }
        if self.staged.capacity() > KEPT_BUFFER {
            self.staged = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Starts a `Data` frame with the first of `bytes`, and returns with how many. Nothing was started
    /// if it is pending.
    ///
    /// The frame leaves in as few pieces as it can, and only as much of it is copied as shares a piece
    /// with the header: the rest goes straight to the mux, unless that is busy.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writable()?;
        ready!(self.poll_drain(cx))?;
        let len = bytes.len().min(MAX_DATA);
        let (first, rest) = bytes[..len].split_at(beside_header(len));
        self.staged.reserve(DATA_OVERHEAD + first.len());
        self.staged.extend_from_slice(&data_header(len).map_err(io::Error::other)?);
        self.staged.extend_from_slice(first);
        match poll_write(&mut self.mux, cx, &self.staged) {
            Poll::Ready(Ok(taken)) => self.staged.advance(taken),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                self.staged.clear();
                return Poll::Pending;
            }
        }
        self.finish(cx, rest)?;
        Poll::Ready(Ok(len))
    }

    /// Writes a whole frame. Nothing was started if it is pending.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>, frame: &[u8]) -> Poll<io::Result<()>> {
        self.writable()?;
        ready!(self.poll_drain(cx))?;
        let taken = ready!(poll_write(&mut self.mux, cx, frame))?;
        self.finish(cx, &frame[taken..])?;
        Poll::Ready(Ok(()))
    }

    /// The buffer to which a frame is appended that can't wait.
    pub(super) fn stage(&mut self) -> &mut BytesMut {
        &mut self.staged
    }

    /// Stages the last frame, if that has not been done.
    pub(super) fn end(&mut self) {
        if self.half == Half::Open {
            self.staged.extend_from_slice(&data_end());
            self.half = Half::Ending;
        }
    }

    /// Writes what is staged, and ends the mux stream's half if nothing may follow.
    pub(super) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        if self.half == Half::Ending {
            let mux = self.mux.as_mut().ok_or_else(lost)?;
            ready!(Pin::new(mux).poll_shutdown(cx)).map_err(|_| lost())?;
            self.half = Half::Ended;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        if self.half == Half::Ended {
            return Poll::Ready(Ok(()));
        }
        let mux = self.mux.as_mut().ok_or_else(lost)?;
        Pin::new(mux).poll_flush(cx).map_err(|_| lost())
    }

    /// Gets the rest of a started frame out, or at least into the staging buffer.
    fn finish(&mut self, cx: &mut Context<'_>, mut rest: &[u8]) -> io::Result<()> {
        if self.poll_drain(cx)?.is_ready() {
            while !rest.is_empty() {
                match poll_write(&mut self.mux, cx, rest) {
                    Poll::Ready(taken) => rest = &rest[taken?..],
                    Poll::Pending => break,
                }
            }
        }
        self.staged.extend_from_slice(rest);
        Ok(())
    }
}

fn poll_write(mux: &mut Option<MuxStream>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    let mux = mux.as_mut().ok_or_else(lost)?;
    match ready!(Pin::new(mux).poll_write(cx, bytes)) {
        Ok(taken) if taken > 0 => Poll::Ready(Ok(taken)),
        _ => Poll::Ready(Err(lost())),
    }
}

/// How many of `len` raw bytes go into one piece with their header, so that what is left fills whole
/// pieces.
fn beside_header(len: usize) -> usize {
    let total = DATA_OVERHEAD + len;
    let last = total.div_ceil(PIECE) - 1;
    (total - last * PIECE).max(DATA_OVERHEAD) - DATA_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_leaves_in_as_few_pieces_as_it_can() {
        for len in (1..=MAX_DATA).step_by(7).chain([PIECE - 17, PIECE - 16, PIECE - 15, MAX_DATA]) {
            let first = beside_header(len);
            assert!(first <= len && first + DATA_OVERHEAD <= PIECE, "{len}: {first}");
            let pieces = 1 + (len - first).div_ceil(PIECE);
            assert_eq!(pieces, (len + DATA_OVERHEAD).div_ceil(PIECE), "{len}");
        }
        assert_eq!(beside_header(PIECE - 16), PIECE - 16);
        assert_eq!(beside_header(2 * PIECE), 0);
        assert_eq!(beside_header(1), 1);
    }
}
