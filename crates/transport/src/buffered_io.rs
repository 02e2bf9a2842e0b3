//! Read and write buffers between a carrier and the multiplexer.
//!
//! The multiplexer reads a header, then a body, and flushes after every frame it writes. Here many
//! frames share one system call each way: reads fill a whole buffer, and what is written is gathered
//! until the link's owner calls [`BufferedIoControl::poll_flush`] at the end of its turn. Both buffers
//! are borrowed only while they hold bytes.

use crate::buffer;
use futures_io::{AsyncRead, AsyncWrite};
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as TokioRead, AsyncWrite as TokioWrite};
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;

/// From this size on a write goes out at once, together with what is gathered, in bytes.
const DIRECT: usize = 8 * 1024;

/// The multiplexer's end.
pub(crate) struct BufferedIo<T> {
    inner: Arc<Mutex<Inner<T>>>,
}

/// The link's end: says when what was gathered goes out.
pub(crate) struct BufferedIoControl<T> {
    inner: Arc<Mutex<Inner<T>>>,
}

struct Inner<T> {
    io: T,
    read: Vec<u8>,
    /// How much of `read` has been handed on.
    consumed: usize,
    /// Whether the first byte that came has been checked.
    checked: bool,
    /// Whether `read` was filled since the owner last allowed it.
    filled: bool,
    write: Vec<u8>,
    /// How much of `write` has been sent.
    sent: usize,
    /// Whether `io` may hold some of what was sent, as TLS does when its socket takes no more.
    unflushed: bool,
    /// Whether the multiplexer waits for room in `write`.
    blocked: bool,
    output: Output,
    /// When bytes last came since the owner last asked.
    heard: Option<Instant>,
}

/// The state of the writing half. Once it is not open, what is written goes nowhere.
enum Output {
    Open,
    /// Told to the multiplexer once everything that came has been read.
    Failed(io::Error),
    Ended,
}

pub(crate) fn split<T>(io: T) -> (BufferedIo<T>, BufferedIoControl<T>) {
    let inner = Inner {
        io,
        read: Vec::new(),
        consumed: 0,
        checked: false,
        filled: false,
        write: Vec::new(),
        sent: 0,
        unflushed: false,
        blocked: false,
        output: Output::Open,
        heard: None,
    };
    let inner = Arc::new(Mutex::new(inner));
    (BufferedIo { inner: inner.clone() }, BufferedIoControl { inner })
}

impl<T: TokioRead + TokioWrite + Unpin> BufferedIoControl<T> {
    /// Allows one more read of a buffer. What has come is thus looked at before more is read, and a
    /// peer that sends without a pause does not keep the multiplexer reading for ever.
    pub(crate) fn allow_read(&self) {
        self.inner.lock().filled = false;
    }

    /// Sends what has been gathered.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        ready!(inner.poll_send(cx));
        if std::mem::take(&mut inner.blocked) {
            // The socket owes a wake-up only to whom it made wait last, and that was not now.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(())
    }

    /// Sends what has been gathered, and ends the writing half.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.inner.lock();
        ready!(inner.poll_send(cx));
        if let Some(error) = inner.take_failure() {
            return Poll::Ready(Err(error));
        }
        ready!(Pin::new(&mut inner.io).poll_shutdown(cx))?;
        inner.output = Output::Ended;
        Poll::Ready(Ok(()))
    }

    /// When bytes last came, if any have since the last call.
    pub(crate) fn take_heard(&self) -> Option<Instant> {
        self.inner.lock().heard.take()
    }

    /// Bytes of buffers that are held.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        let inner = self.inner.lock();
        inner.read.capacity() + inner.write.capacity()
    }
}

impl<T: TokioRead + TokioWrite + Unpin> Inner<T> {
    /// Sends what has been gathered. Ready when nothing is left to send, be it for an error.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.sent < self.write.len() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.write[self.sent..])) {
                Ok(0) => self.fail(cx, io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.sent += n;
                    self.unflushed = true;
                }
                Err(error) => self.fail(cx, error),
            }
        }
        if self.write.capacity() > 0 {
            buffer::recycle(std::mem::take(&mut self.write));
            self.sent = 0;
        }
        if self.unflushed {
            if let Err(error) = ready!(Pin::new(&mut self.io).poll_flush(cx)) {
                self.fail(cx, error);
            }
            self.unflushed = false;
        }
        Poll::Ready(())
    }

    /// Nothing can be sent any more. The reason that the peer gave may still be there to be read.
    fn fail(&mut self, cx: &mut Context<'_>, error: io::Error) {
        self.write.clear();
        self.sent = 0;
        self.unflushed = false;
        self.output = Output::Failed(error);
        cx.waker().wake_by_ref();
    }

    fn take_failure(&mut self) -> Option<io::Error> {
        match std::mem::replace(&mut self.output, Output::Ended) {
            Output::Failed(error) => Some(error),
            other => {
                self.output = other;
                None
            }
        }
    }

    /// Sends what has been gathered and `bytes` behind it in one call. How many of `bytes` went.
    fn poll_send_with(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<usize> {
        loop {
            let gathered = self.write.len() - self.sent;
            let slices = [IoSlice::new(&self.write[self.sent..]), IoSlice::new(bytes)];
            let n = match ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &slices)) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                outcome => outcome,
            };
            match n {
                Ok(n) if n < gathered => {
                    self.sent += n;
                    self.unflushed = true;
                }
                Ok(n) => {
                    self.unflushed = true;
                    self.write.clear();
                    self.sent = 0;
                    if n > gathered {
                        return Poll::Ready(n - gathered);
                    }
                }
                Err(error) => {
                    self.fail(cx, error);
                    return Poll::Ready(bytes.len());
                }
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
            self.heard = Some(Instant::now());
            self.filled = true;
            if !std::mem::replace(&mut self.checked, true) {
                check_first_byte(self.read[0])?;
            }
        }
        match outcome {
            Poll::Pending => self.take_failure().map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
            Poll::Ready(outcome) => Poll::Ready(outcome.map(drop)),
        }
    }
}

impl<T: TokioRead + TokioWrite + Unpin> AsyncRead for BufferedIo<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.inner.lock();
        if inner.consumed == inner.read.len() {
            if inner.filled {
                cx.waker().wake_by_ref();
                return Poll::Pending;
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

impl<T: TokioRead + TokioWrite + Unpin> AsyncWrite for BufferedIo<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.inner.lock();
        if bytes.len() >= DIRECT
            && matches!(inner.output, Output::Open)
            && let Poll::Ready(sent) = inner.poll_send_with(cx, bytes)
        {
            return Poll::Ready(Ok(sent));
        }
        if inner.write.len() + bytes.len() > buffer::SIZE && inner.poll_send(cx).is_pending() {
            inner.blocked = true;
            return Poll::Pending;
        }
        if !matches!(inner.output, Output::Open) {
            return Poll::Ready(Ok(bytes.len()));
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

    /// Nor is anything ended here: see [`BufferedIoControl::poll_shutdown`].
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether what starts with this byte can be the multiplexer's: its frames start with their version, 0. It
/// would say so itself, but not of a TLS alert, which is shorter than its header.
fn check_first_byte(first: u8) -> io::Result<()> {
    let other = match first {
        0 => return Ok(()),
        0x15 | 0x16 => "it speaks TLS, where plain TCP was expected",
        b'A'..=b'Z' => "it speaks HTTP or the like, where plain TCP was expected",
        _ => "it speaks another protocol",
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, other))
}
