//! The way out of a yamux connection: what was fetched from it, until the socket has taken it.

use super::shared::Shared;
use crate::buffer;
use frontier_yamux::Bulk;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// How often one call fetches more at most, before it lets others run.
const FETCHES: usize = 16;

/// Bytes on their way out.
#[derive(Default)]
pub(super) struct Output {
    /// Goes out first, unless a frame of `bulk` has been begun.
    out: Vec<u8>,
    /// How much of `out` has been sent.
    sent: usize,
    /// Bytes that the socket has taken so far.
    total: u64,
    bulk: Bulk,
    /// Whether the socket may hold some of what was sent, as TLS does when its own socket takes no more.
    unflushed: bool,
    state: State,
}

/// The state of the writing half. Once it is not open, what is written goes nowhere.
#[derive(Default)]
enum State {
    #[default]
    Open,
    /// Told to the owner once everything that came has been read.
    Failed(io::Error),
    Ended,
}

impl Output {
    /// Sends everything that may go now. Ready when nothing is left of it, be it for an error.
    pub(super) fn poll_send<T>(&mut self, io: &mut T, shared: &Shared, cx: &mut Context<'_>) -> Poll<()>
    where
        T: AsyncWrite + Unpin,
    {
        for _ in 0..FETCHES {
            while self.has_bytes() {
                ready!(self.poll_write(io, cx));
            }
            shared.fetch(&mut self.out, &mut self.bulk);
            if !self.has_bytes() {
                return self.poll_flush(io, cx);
            }
            if !matches!(self.state, State::Open) {
                self.discard();
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Something more to be sent, behind what is there.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(super) fn end(&mut self) {
        self.state = State::Ended;
    }

    /// Why nothing can be sent any more, once.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Failed(error) => Some(error),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Whether something waits for the peer to have taken what is on its way.
    pub(super) fn is_behind(&self) -> bool {
        !self.bulk.is_over()
    }

    /// Bytes that the socket has taken so far.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.out.capacity()
    }

    fn has_bytes(&self) -> bool {
        self.sent < self.out.len() || !self.bulk.permitted().is_empty()
    }

    fn poll_write<T: AsyncWrite + Unpin>(&mut self, io: &mut T, cx: &mut Context<'_>) -> Poll<()> {
        let (out, bulk) = (&self.out[self.sent..], self.bulk.permitted());
        let written = match (out.is_empty(), bulk.is_empty()) {
            (false, true) => Pin::new(io).poll_write(cx, out),
            (true, false) => Pin::new(io).poll_write(cx, bulk),
            _ if self.bulk.is_started() => {
                Pin::new(io).poll_write_vectored(cx, &[IoSlice::new(bulk), IoSlice::new(out)])
            }
            _ => Pin::new(io).poll_write_vectored(cx, &[IoSlice::new(out), IoSlice::new(bulk)]),
        };
        match ready!(written) {
            Ok(0) => self.fail(io::ErrorKind::WriteZero.into(), cx),
            Ok(n) => self.sent(n),
            Err(error) => self.fail(error, cx),
        }
        Poll::Ready(())
    }

    fn sent(&mut self, n: usize) {
        self.unflushed = true;
        self.total += n as u64;
        let out = self.out.len() - self.sent;
        let of_bulk = match self.bulk.is_started() {
            true => n.min(self.bulk.permitted().len()),
            false => n.saturating_sub(out),
        };
        if of_bulk > 0
            && let Some(frames) = self.bulk.advance(of_bulk)
        {
            buffer::recycle(frames);
        }
        self.sent += n - of_bulk;
        if self.sent == self.out.len() {
            self.clear();
        }
    }

    /// Gives the buffer back: an idle connection holds none.
    fn clear(&mut self) {
        if self.out.capacity() > 0 {
            buffer::recycle(std::mem::take(&mut self.out));
        }
        self.sent = 0;
    }

    fn poll_flush<T: AsyncWrite + Unpin>(&mut self, io: &mut T, cx: &mut Context<'_>) -> Poll<()> {
        if self.unflushed {
            if let Err(error) = ready!(Pin::new(io).poll_flush(cx)) {
                self.fail(error, cx);
            }
            self.unflushed = false;
        }
        Poll::Ready(())
    }

    /// Nothing can be sent any more. The reason that the peer gave may still be there to be read.
    fn fail(&mut self, error: io::Error, cx: &mut Context<'_>) {
        self.discard();
        self.unflushed = false;
        self.state = State::Failed(error);
        cx.waker().wake_by_ref();
    }

    fn discard(&mut self) {
        self.clear();
        self.bulk = Bulk::default();
    }
}
