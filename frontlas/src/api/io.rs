//! A connection that does not wait for ever for its peer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How many bytes it takes until HTTP watches the time itself: those in which it finds out its version.
const PREFACE: usize = 24;

/// A connection whose peer has to say something at first, and has to take what it is sent.
pub(crate) struct Guarded<S> {
    inner: S,
    /// How much of the preface is missing.
    missing: usize,
    preface: Pin<Box<Sleep>>,
    patience: Duration,
    /// Since when the peer has taken nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    /// The peer has `first` for its first bytes, and `patience` to take more of what waits for it.
    pub(crate) fn new(inner: S, first: Duration, patience: Duration) -> Self {
        Self { inner, missing: PREFACE, preface: Box::pin(sleep(first)), patience, stalled: None }
    }

    /// Watches the time of what has to do with writing.
    fn watch<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if self.missing > 0 {
            self.missing = self.missing.saturating_sub(buffer.filled().len() - before);
            if poll.is_pending() && self.preface.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer says nothing")));
            }
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.watch(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(cx);
        self.watch(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watch(cx, poll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    const FIRST: Duration = Duration::from_secs(10);
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_cut_off() {
        let (near, mut far) = duplex(64);
        let mut guarded = Guarded::new(near, FIRST, PATIENCE);
        far.write_all(b"GET / ").await.unwrap();
        let began = Instant::now();
        let error = guarded.read_exact(&mut [0; 24]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, FIRST));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_said_enough_may_be_silent() {
        let (near, mut far) = duplex(64);
        let mut guarded = Guarded::new(near, FIRST, PATIENCE);
        far.write_all(&[0; 24]).await.unwrap();
        guarded.read_exact(&mut [0; 24]).await.unwrap();
        tokio::time::timeout(10 * FIRST, guarded.read_u8()).await.expect_err("it waits");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_cut_off_and_who_takes_a_little_is_not() {
        let (near, mut far) = duplex(64);
        let mut guarded = Guarded::new(near, FIRST, PATIENCE);
        let slow = async {
            for _ in 0..4 {
                sleep(PATIENCE * 9 / 10).await;
                far.read_u8().await.unwrap();
            }
            Instant::now()
        };
        let (written, last) = tokio::join!(guarded.write_all(&[0; 1024]), slow);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(last.elapsed(), PATIENCE);
    }
}
