//! A socket with read and write buffers between it and the multiplexer.
//!
//! The multiplexer reads a header, then a body, and flushes after every frame it writes. Here many
//! frames share one system call each way: reads fill a whole buffer, and what is written is gathered
//! until the link's owner calls [`SocketControl::poll_flush`] at the end of its turn. Both buffers
//! are borrowed only while they hold bytes.

use crate::buffer;
use futures_io::{AsyncRead, AsyncWrite};
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as TokioRead, AsyncWrite as TokioWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

/// From this size on a write goes out at once, together with what is gathered, in bytes.
const DIRECT: usize = 8 * 1024;

/// The multiplexer's end.
pub(crate) struct Socket<T> {
    inner: Arc<Mutex<Inner<T>>>,
}

/// The link's end: says when what was gathered goes out.
pub(crate) struct SocketControl<T> {
    inner: Arc<Mutex<Inner<T>>>,
}

struct Inner<T> {
    io: T,
    read: Vec<u8>,
    /// How much of `read` has been handed on.
    consumed: usize,
    write: Vec<u8>,
    /// How much of `write` has been sent.
    sent: usize,
    /// Whether bytes have come since the owner last asked.
    heard: bool,
}

pub(crate) fn split<T>(io: T) -> (Socket<T>, SocketControl<T>) {
    let inner = Inner { io, read: Vec::new(), consumed: 0, write: Vec::new(), sent: 0, heard: false };
    let inner = Arc::new(Mutex::new(inner));
    (Socket { inner: inner.clone() }, SocketControl { inner })
}

impl<T: TokioRead + TokioWrite + Unpin> SocketControl<T> {
    /// Sends what has been gathered.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.lock().poll_send(cx)
    }

    /// Whether bytes have come since the last call.
    pub(crate) fn take_heard(&self) -> bool {
        std::mem::take(&mut self.inner.lock().heard)
    }
}

impl<T: TokioRead + TokioWrite + Unpin> Inner<T> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.write.len() {
            let n = ready!(Pin::new(&mut self.io).poll_write(cx, &self.write[self.sent..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
        }
        if self.write.capacity() > 0 {
            buffer::recycle(std::mem::take(&mut self.write));
            self.sent = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what has been gathered and `bytes` behind it in one call. How many of `bytes` went.
    fn poll_send_with(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let gathered = self.write.len() - self.sent;
            let slices = [IoSlice::new(&self.write[self.sent..]), IoSlice::new(bytes)];
            let n = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &slices))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if n >= gathered {
                self.write.clear();
                self.sent = 0;
                if n > gathered {
                    return Poll::Ready(Ok(n - gathered));
                }
            } else {
                self.sent += n;
            }
        }
    }

    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.read.capacity() == 0 {
            self.read = buffer::take();
        }
        self.read.clear();
        self.consumed = 0;
        let outcome = poll_read_buf(Pin::new(&mut self.io), cx, &mut self.read);
        if self.read.is_empty() {
            buffer::recycle(std::mem::take(&mut self.read));
        } else {
            self.heard = true;
        }
        outcome.map_ok(drop)
    }
}

impl<T: TokioRead + TokioWrite + Unpin> AsyncRead for Socket<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.inner.lock();
        if inner.consumed == inner.read.len() {
            if into.len() >= buffer::SIZE {
                let mut direct = ReadBuf::new(into);
                ready!(Pin::new(&mut inner.io).poll_read(cx, &mut direct))?;
                inner.heard = true;
                return Poll::Ready(Ok(direct.filled().len()));
            }
            ready!(inner.fill(cx))?;
        }
        let Inner { read, consumed, .. } = &mut *inner;
        let n = into.len().min(read.len() - *consumed);
        into[..n].copy_from_slice(&read[*consumed..*consumed + n]);
        *consumed += n;
        Poll::Ready(Ok(n))
    }
}

impl<T: TokioRead + TokioWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.inner.lock();
        if bytes.len() >= DIRECT
            && let Poll::Ready(sent) = inner.poll_send_with(cx, bytes)?
        {
            return Poll::Ready(Ok(sent));
        }
        if inner.write.len() + bytes.len() > buffer::SIZE {
            ready!(inner.poll_send(cx))?;
        }
        if inner.write.capacity() == 0 {
            inner.write = buffer::take();
        }
        let n = bytes.len().min(buffer::SIZE);
        inner.write.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    /// Nothing is sent here: see the module's comment.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.inner.lock();
        ready!(inner.poll_send(cx))?;
        Pin::new(&mut inner.io).poll_shutdown(cx)
    }
}
