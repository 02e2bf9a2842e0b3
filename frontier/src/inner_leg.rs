//! Legs that end in the gateway itself: behind them is no peer who takes, resets or leaves them.

use bytes::Bytes;
use frontier_exchange::Leg;
use std::fmt::Debug;
use std::io;
use std::task::{Context, Poll};

/// What a [`Leg`] of the gateway itself does; [`Inner`] makes a leg of it.
pub(crate) trait InnerLeg: Debug + Send {
    /// The next bytes for who is at the other leg; `None` at the end. By default there are none.
    fn poll_chunk(&mut self) -> Poll<Option<Bytes>> {
        Poll::Ready(None)
    }

    /// Takes as many of `bytes` as it wants.
    ///
    /// # Errors
    /// When nothing more is taken: the other leg is reset.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// All has come.
    ///
    /// # Errors
    /// When it is not taken after all.
    fn finish(&mut self) -> io::Result<()>;

    /// Whether it takes nothing more. Nobody is woken when that changes.
    fn is_over(&self) -> bool {
        false
    }

    /// Whether what has come was not looked at, and may be tried elsewhere.
    fn is_refused(&self) -> bool {
        false
    }
}

/// A leg of which the gateway itself is the other end.
#[derive(Debug)]
pub(crate) struct Inner<T>(pub(crate) T);

impl<T: InnerLeg> Leg for Inner<T> {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.poll_chunk().map(|chunk| chunk.map(Ok))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.finish())
    }

    fn is_reset(&self) -> bool {
        false
    }

    fn poll_reset(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.0.is_over() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_taken(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_refused(&self) -> bool {
        self.0.is_refused()
    }

    fn linger(self: Box<Self>) {}

    fn reset(self: Box<Self>) {}

    fn poll_abandoned(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
