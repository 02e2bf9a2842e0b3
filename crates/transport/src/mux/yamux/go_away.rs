//! Notices when yamux tells the peer that it broke the protocol.

use futures_io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

/// Length of a yamux frame's header, in bytes: version, type, flags (2), stream (4), length (4).
const HEADER: usize = 12;

const TYPE_DATA: u8 = 0;
const TYPE_GO_AWAY: u8 = 3;

/// A socket that notices when yamux tells the peer that it broke the rules: a GoAway frame whose
/// length field, which carries its code, is not 0. yamux has no other way of saying so.
pub(super) struct GoAwayWatch<T> {
    io: T,
    header: [u8; HEADER],
    /// How much of the header has been written.
    filled: usize,
    /// How much of the body is still to come.
    body: usize,
    violated: Arc<AtomicBool>,
}

impl<T> GoAwayWatch<T> {
    /// The watched socket, and what is set once a breach was noticed.
    pub(super) fn new(io: T) -> (Self, Arc<AtomicBool>) {
        let violated = Arc::<AtomicBool>::default();
        let watched = Self { io, header: [0; HEADER], filled: 0, body: 0, violated: violated.clone() };
        (watched, violated)
    }

    fn note(&mut self, mut written: &[u8]) {
        while !written.is_empty() {
            if self.body > 0 {
                let n = self.body.min(written.len());
                self.body -= n;
                written = &written[n..];
                continue;
            }
            let n = (HEADER - self.filled).min(written.len());
            self.header[self.filled..self.filled + n].copy_from_slice(&written[..n]);
            self.filled += n;
            written = &written[n..];
            if self.filled == HEADER {
                self.filled = 0;
                let [_, kind, .., a, b, c, d] = self.header;
                let length = u32::from_be_bytes([a, b, c, d]);
                match kind {
                    TYPE_DATA => self.body = length as usize,
                    TYPE_GO_AWAY if length != 0 => self.violated.store(true, Ordering::Relaxed),
                    _ => {}
                }
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for GoAwayWatch<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for GoAwayWatch<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.note(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noticed(frames: &[&[u8]], piece: usize) -> bool {
        let (mut watched, violated) = GoAwayWatch::new(());
        frames.concat().chunks(piece).for_each(|piece| watched.note(piece));
        violated.load(Ordering::Relaxed)
    }

    #[test]
    fn only_a_go_away_with_a_code_counts() {
        let data = [&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 12][..], &[3; 12]].concat();
        let window = [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9];
        let go_away = |code| [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, code];
        for piece in 1..40 {
            assert!(!noticed(&[&data, &window, &go_away(0), &data], piece));
            assert!(noticed(&[&data, &window, &go_away(1)], piece));
        }
    }
}
