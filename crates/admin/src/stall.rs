//! A byte stream that does not wait for ever for its peer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// In these bytes hyper finds out the version of HTTP; only behind them do its own timeouts hold. It is the length
/// of the HTTP/2 connection preface (RFC 9113, section 3.4).
const PREFACE_SIZE: usize = 24;

/// Fails with `TimedOut` when its peer is late with its first bytes, or reads nothing of what it is sent.
pub(crate) struct StallGuard<S> {
    inner: S,
    /// Bytes of the preface that have not come yet.
    preface_missing: usize,
    preface_deadline: Pin<Box<Sleep>>,
    write_timeout: Duration,
    /// While a write waits for the peer.
    write_deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> StallGuard<S> {
    /// `preface_timeout` is for the first bytes, `write_timeout` for any of what waits to be read by the peer.
    pub(crate) fn new(inner: S, preface_timeout: Duration, write_timeout: Duration) -> Self {
        let preface_deadline = Box::pin(sleep(preface_timeout));
        Self { inner, preface_missing: PREFACE_SIZE, preface_deadline, write_timeout, write_deadline: None }
    }

    /// Sets a deadline for a write that is pending, and clears it when one gets on.
    fn check_write<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.write_deadline = None;
            return poll;
        }
        let timeout = self.write_timeout;
        let deadline = self.write_deadline.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer has read nothing for too long")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if self.preface_missing > 0 {
            self.preface_missing = self.preface_missing.saturating_sub(buffer.filled().len() - before);
            if poll.is_pending() && self.preface_deadline.as_mut().poll(cx).is_ready() {
                let reason = "the peer has not sent the beginning of a request in time";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, reason)));
            }
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallGuard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.check_write(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.check_write(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(cx);
        self.check_write(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.check_write(cx, poll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);
    const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_peer_without_a_preface_is_cut_off() {
        let (near, mut far) = duplex(64);
        let mut guarded = StallGuard::new(near, PREFACE_TIMEOUT, WRITE_TIMEOUT);
        far.write_all(b"GET / ").await.unwrap();
        let began = Instant::now();
        let error = guarded.read_exact(&mut [0; 24]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, PREFACE_TIMEOUT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_has_sent_its_preface_may_be_silent() {
        let (near, mut far) = duplex(64);
        let mut guarded = StallGuard::new(near, PREFACE_TIMEOUT, WRITE_TIMEOUT);
        far.write_all(&[0; 24]).await.unwrap();
        guarded.read_exact(&mut [0; 24]).await.unwrap();
        tokio::time::timeout(10 * PREFACE_TIMEOUT, guarded.read_u8()).await.expect_err("it waits");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_cut_off_and_one_that_reads_a_little_is_not() {
        let (near, mut far) = duplex(64);
        let mut guarded = StallGuard::new(near, PREFACE_TIMEOUT, WRITE_TIMEOUT);
        let slow = async {
            for _ in 0..4 {
                sleep(WRITE_TIMEOUT * 9 / 10).await;
                far.read_u8().await.unwrap();
            }
            Instant::now()
        };
        let (written, last) = tokio::join!(guarded.write_all(&[0; 1024]), slow);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(last.elapsed(), WRITE_TIMEOUT);
    }
}
