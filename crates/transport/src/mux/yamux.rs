//! yamux over a byte stream, as the mux of a link.
//!
//! The link's owner reads and writes; streams that others hold reach their connection by its lock, which is held for no
//! system call. Reads fill a whole buffer; what goes out is fetched when the socket has taken what was fetched before,
//! so that the lane overtakes all else. Buffers are borrowed only while they hold bytes.

mod first_byte;
mod output;
mod shared;
mod stream;

pub(crate) use stream::YamuxStream;

use super::{Mux, MuxStream, RawStream, Traffic};
use crate::buffer;
use first_byte::check_first_byte;
use frontier_yamux::{Config, Header, OpenError, Violation};
use output::Output;
use shared::Shared;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tokio_util::io::poll_read_buf;

pub(crate) use frontier_yamux::Role;

/// The code of a GoAway that says: you broke the rules.
const PROTOCOL_ERROR: u32 = 1;

/// yamux over a byte stream.
pub(crate) struct YamuxMux<T> {
    io: T,
    shared: Arc<Shared>,
    output: Output,
    /// Whether the first byte that came has been checked.
    checked: bool,
    violation: Option<Violation>,
    /// Bytes that have come.
    received: u64,
    /// When bytes last came since the owner last asked.
    heard: Option<Instant>,
    /// Until what waits goes out at the latest.
    overdue: Option<Pin<Box<Sleep>>>,
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> YamuxMux<T> {
    /// `max_streams` counts the lane too. Peers that open more lose the connection, so it is set
    /// above the limit that is answered with an error. `window_growth` is what the windows of all
    /// streams together may grow by beyond their first size, in bytes.
    pub(crate) fn new(io: T, role: Role, max_streams: usize, window_growth: usize) -> Self {
        let config = Config { max_streams, window_growth, max_body: MuxStream::PIECE };
        let shared = Arc::new(Shared::new(role, config));
        Self {
            io,
            shared,
            output: Output::default(),
            checked: false,
            violation: None,
            received: 0,
            heard: None,
            overdue: None,
        }
    }

    /// Reads a buffer once, and takes what is in it.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut input = buffer::take();
        let read = poll_read_buf(Pin::new(&mut self.io), cx, &mut input);
        let received = match read {
            Poll::Pending => {
                self.output.take_failure().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
            }
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(Ok(_)) => Poll::Ready(self.receive(&input)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        };
        buffer::recycle(input);
        received
    }

    fn receive(&mut self, input: &[u8]) -> io::Result<()> {
        let now = Instant::now();
        self.heard = Some(now);
        self.received += input.len() as u64;
        if !std::mem::replace(&mut self.checked, true) {
            check_first_byte(input[0])?;
        }
        self.shared.update(|connection| connection.receive(input, now.into_std())).map_err(|violation| {
            self.violation = Some(violation);
            into_io(violation)
        })
    }

    /// Has the owner look again when what waits has waited for long enough, even if nothing else happens.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) {
        let Some(at) = self.shared.update(|connection| connection.overdue_at()) else {
            self.overdue = None;
            return;
        };
        let at = Instant::from_std(at);
        let overdue = self.overdue.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if overdue.deadline() != at {
            overdue.as_mut().reset(at);
        }
        if overdue.as_mut().poll(cx).is_ready() {
            self.overdue = None;
            cx.waker().wake_by_ref();
        }
    }

    fn accept(&self) -> Option<RawStream> {
        let number = self.shared.update(|connection| connection.accept(|| Instant::now().into_std()))?;
        Some(RawStream::Yamux(YamuxStream::new(self.shared.clone(), number)))
    }

    /// Tells a peer that broke the rules, or speaks another protocol, to go, as far as the socket takes that at once.
    fn tell_violation(&mut self, error: &io::Error, cx: &mut Context<'_>) {
        let code = self.violation.map_or(Some(PROTOCOL_ERROR), Violation::go_away);
        if let Some(code) = code
            && error.kind() == io::ErrorKind::InvalidData
        {
            self.output.push(&Header::go_away(code).encode());
            let _ = self.output.poll_send(&mut self.io, &self.shared, cx);
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Mux for YamuxMux<T> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<RawStream>> {
        if let Some(violation) = self.violation {
            return Poll::Ready(Err(into_io(violation)));
        }
        self.shared.set_owner(cx.waker());
        if let Some(stream) = self.accept() {
            return Poll::Ready(Ok(stream));
        }
        match ready!(self.poll_receive(cx)) {
            Ok(()) => {}
            Err(error) => {
                self.shared.update(|connection| connection.close());
                self.tell_violation(&error, cx);
                return Poll::Ready(Err(error));
            }
        }
        if let Some(stream) = self.accept() {
            return Poll::Ready(Ok(stream));
        }
        // What has come is looked at before more is read.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<RawStream>>> {
        self.shared.set_owner(cx.waker());
        let opened = self.shared.update(|connection| connection.open(|| cx.waker().clone()));
        match opened {
            Ok(Some(number)) => {
                Poll::Ready(Ok(Some(RawStream::Yamux(YamuxStream::new(self.shared.clone(), number)))))
            }
            Ok(None) => Poll::Pending,
            Err(OpenError::GoAway) => Poll::Ready(Ok(None)),
            Err(OpenError::Closed) => Poll::Ready(Err(io::Error::other(OpenError::Closed))),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.output.poll_send(&mut self.io, &self.shared, cx));
        // What waits for room on the way goes out when the peer has answered; acknowledgements with what comes next.
        if self.output.is_behind() || self.shared.is_behind() {
            self.poll_overdue(cx);
            return Poll::Pending;
        }
        self.overdue = None;
        Poll::Ready(())
    }

    /// To the peer the end of the bytes says as much as a frame. Streams are told when this is dropped.
    fn poll_shutdown(&mut self, _: &mut RawStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.output.poll_send(&mut self.io, &self.shared, cx));
        if let Some(error) = self.output.take_failure() {
            return Poll::Ready(Err(error));
        }
        ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
        self.output.end();
        Poll::Ready(Ok(()))
    }

    fn traffic(&self) -> Traffic {
        Traffic { received: self.received, sent: self.output.total() }
    }

    fn take_heard(&mut self) -> Option<Instant> {
        self.heard.take()
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.output.held()
    }
}

impl<T> Drop for YamuxMux<T> {
    /// Streams that others hold end with the link.
    fn drop(&mut self) {
        self.shared.update(|connection| connection.close());
    }
}

fn into_io(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("yamux protocol violation: {violation}"))
}
