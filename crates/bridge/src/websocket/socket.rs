//! The bytes below a session: what goes out in shared pieces, and what comes in.

use bytes::{Buf as _, Bytes};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many pieces one write has.
const MAX_SLICES: usize = 64;

/// A connection, and what waits to be written to it.
pub(super) struct Socket<T> {
    io: T,
    outgoing: VecDeque<Bytes>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, outgoing: VecDeque::new() }
    }

    /// Has a piece sent behind what waits.
    pub(super) fn queue(&mut self, piece: Bytes) {
        self.outgoing.push_back(piece);
    }

    /// Whether something waits to be written.
    pub(super) fn is_waiting(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Writes all that waits.
    ///
    /// # Cancel safety
    /// Cancel safe: what was not written waits.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let count = self.outgoing.len().min(MAX_SLICES);
            for (slice, piece) in slices.iter_mut().zip(&self.outgoing) {
                *slice = IoSlice::new(piece);
            }
            let mut written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..count]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            while let Some(piece) = self.outgoing.front_mut() {
                if written < piece.len() {
                    piece.advance(written);
                    break;
                }
                written -= piece.len();
                self.outgoing.pop_front();
            }
        }
        self.outgoing.shrink_to(MAX_SLICES);
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Waits for bytes, and gives them to `take`; `false` at the end.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing was read then.
    pub(super) async fn receive(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<bool> {
        poll_fn(|cx| {
            // On the stack, so that who sends nothing costs no buffer.
            let mut buffer = [0; 1024];
            let mut buffer = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
            take(buffer.filled());
            Poll::Ready(Ok(!buffer.filled().is_empty()))
        })
        .await
    }

    /// Ends the connection.
    pub(super) async fn shut_down(&mut self) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test]
    async fn pieces_go_out_in_order_however_little_is_taken_at_once() {
        let (near, mut far) = duplex(7);
        let mut socket = Socket::new(near);
        let pieces: Vec<Bytes> = (0..300).map(|number| format!("{number};").into()).collect();
        let expected = pieces.concat();
        pieces.into_iter().for_each(|piece| socket.queue(piece));
        let mut got = vec![0; expected.len()];
        let (sent, read) = tokio::join!(socket.send(), far.read_exact(&mut got));
        sent.unwrap();
        read.unwrap();
        assert!(got == expected && !socket.is_waiting());
        far.write_all(b"abc").await.unwrap();
        let mut came = Vec::new();
        assert!(socket.receive(|bytes| came.extend_from_slice(bytes)).await.unwrap());
        drop(far);
        assert!(!socket.receive(|_| {}).await.unwrap());
        assert_eq!(came, b"abc");
    }
}
