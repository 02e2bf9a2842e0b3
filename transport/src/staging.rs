//! Bytes on their way between a socket and what turns them into other bytes.

use crate::buffer;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

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
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.len() >= buffer::SIZE {
            let text = "something that does not end was received";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        let read = poll_read_buf(Pin::new(io), cx, self.tail());
        // Gives the buffer back if nothing came.
        self.consume(0);
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
        assert!(matches!(staging.poll_drain(&mut far, cx), Poll::Ready(Ok(()))));
        assert!(matches!(other.poll_fill(&mut near, cx), Poll::Ready(Ok(2))));
        assert_eq!(other.bytes(), b"def");
        other.consume(3);
        assert_eq!((staging.bytes.capacity(), other.bytes.capacity()), (0, 0));
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
