//! Bytes on their way between a socket and what turns them into other bytes.

use crate::buffer;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

/// So many bytes that wait for more are put into a buffer of their own, in bytes.
const SMALL: usize = 4 * 1024;

/// A queue of bytes in a buffer that is borrowed only while it holds any.
#[derive(Debug, Default)]
pub(crate) struct Staging {
    bytes: Vec<u8>,
    /// How much of `bytes` is done with.
    start: usize,
}

impl Staging {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of buffer that are held.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// Takes `n` bytes from the front.
    pub(crate) fn consume(&mut self, n: usize) {
        self.start += n;
        debug_assert!(self.start <= self.bytes.len(), "more is consumed than there is");
        if self.start >= self.bytes.len() {
            self.start = 0;
            buffer::recycle(std::mem::take(&mut self.bytes));
        }
    }

    /// The buffer, to append to. What is before its end stays as it is.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = buffer::take();
        }
        &mut self.bytes
    }

    /// Reads once, behind what is there. How many bytes came: 0 at the end.
    pub(crate) fn poll_fill(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.poll_fill_keeping(SMALL, io, cx)
    }

    /// The same for a peer that nothing is known of: what waits for more is held in as little as it needs, at the
    /// cost of copying it.
    pub(crate) fn poll_fill_lean(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.poll_fill_keeping(buffer::SIZE, io, cx)
    }

    /// What waits for more is put into a buffer of its own if it has no more than `small` bytes.
    fn poll_fill_keeping(
        &mut self,
        small: usize,
        io: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.len() >= buffer::SIZE {
            let text = "a TLS record or WebSocket header of more than 64 KiB was received";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        if self.bytes.capacity() < buffer::SIZE {
            let kept = std::mem::replace(&mut self.bytes, buffer::take());
            self.bytes.extend_from_slice(&kept);
        }
        self.bytes.drain(..self.start);
        self.start = 0;
        let read = poll_read_buf(Pin::new(io), cx, &mut self.bytes);
        let came = matches!(read, Poll::Ready(Ok(1..)));
        if !came && self.bytes.len() <= small {
            // What is not whole may stay so for long.
            let rest = self.bytes.as_slice().into();
            buffer::recycle(std::mem::replace(&mut self.bytes, rest));
        }
        read
    }

    /// Writes all of it.
    pub(crate) fn poll_drain(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            match ready!(Pin::new(&mut *io).poll_write(cx, self.bytes()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.consume(n),
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn it_holds_a_buffer_only_while_it_holds_bytes() {
        let cx = &mut Context::from_waker(Waker::noop());
        let (mut near, mut far) = tokio::io::duplex(4);
        let mut staging = Staging::default();
        assert!(staging.poll_fill(&mut near, cx).is_pending());
        assert_eq!(staging.bytes.capacity(), 0);
        staging.tail().extend_from_slice(b"abcdef");
        assert!(staging.poll_drain(&mut far, cx).is_pending());
        assert_eq!(staging.bytes(), b"ef");
        let mut other = Staging::default();
        assert!(matches!(other.poll_fill(&mut near, cx), Poll::Ready(Ok(4))));
        other.consume(3);
        assert!(other.poll_fill(&mut near, cx).is_pending());
        assert_eq!(other.bytes.capacity(), 1, "what waits for more holds no whole buffer");
        assert!(matches!(staging.poll_drain(&mut far, cx), Poll::Ready(Ok(()))));
        assert!(matches!(other.poll_fill(&mut near, cx), Poll::Ready(Ok(2))));
        assert_eq!(other.bytes(), b"def");
        other.consume(3);
        assert_eq!((staging.bytes.capacity(), other.bytes.capacity()), (0, 0));
    }

    #[test]
    fn a_stranger_has_no_more_held_than_it_has_sent() {
        let cx = &mut Context::from_waker(Waker::noop());
        let (mut near, mut far) = tokio::io::duplex(buffer::SIZE);
        let mut sent = Staging::default();
        sent.tail().extend_from_slice(&[7; 20_000]);
        assert!(matches!(sent.poll_drain(&mut far, cx), Poll::Ready(Ok(()))));
        let mut staging = Staging::default();
        assert!(matches!(staging.poll_fill_lean(&mut near, cx), Poll::Ready(Ok(20_000))));
        assert!(staging.poll_fill_lean(&mut near, cx).is_pending());
        assert_eq!((staging.held(), staging.len()), (20_000, 20_000));
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut staging = Staging::default();
        let endless = loop {
            match staging.poll_fill(&mut tokio::io::repeat(1), cx) {
                Poll::Ready(Ok(_)) => {}
                other => break other,
            }
        };
        assert!(matches!(endless, Poll::Ready(Err(_))), "{endless:?}");
    }
}
