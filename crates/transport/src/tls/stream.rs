//! TLS as a byte stream, in place of `tokio-rustls`: an idle connection holds 4.2 KB less, for the same CPU.
//! The figures are in docs/performance.md, `examples/tls_stream.rs` makes them.

mod engine;
mod records;
#[cfg(test)]
mod tests;

pub(super) use engine::Engine;

use super::TlsError;
use super::session::Session;
use engine::wrong;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// How much is encrypted for one write at most, in bytes, so that it fits a buffer with what each record
/// adds.
const WRITE: usize = 60 * 1024;

/// From so many bytes on that the socket does not take, nothing more is read.
const BACKLOG: usize = 64 * 1024;

/// TLS over a byte stream.
///
/// It drives the TLS library without buffers of the library's own: those stay for as long as the
/// connection does, and are filled with 4 KiB a read. Here a read fills a whole buffer, what is written
/// at once goes out at once, and an idle connection holds none of it.
///
/// An end without a closing alert is taken for an end: above this, every stream says where it ends.
pub(crate) struct TlsStream<S, T> {
    engine: Engine<S>,
    io: T,
}

impl<S: Session, T: AsyncRead + AsyncWrite + Unpin> TlsStream<S, T> {
    pub(super) fn new(engine: Engine<S>, io: T) -> Self {
        Self { engine, io }
    }

    pub(super) fn session(&self) -> &S {
        &self.engine.session
    }

    /// Goes on with the handshake until it is over and nothing of it is left to be sent.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TlsError>> {
        loop {
            self.engine.process(None)?;
            // Why it ended the connection, if it has, is still there to be read.
            let sent = ready!(self.engine.outgoing.poll_send(&mut self.io, cx));
            if sent.is_ok() && !self.engine.session.state().is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if self.engine.ended || (sent.is_err() && self.engine.plain.len() >= BACKLOG) {
                return Poll::Ready(Err(sent.map_or_else(broken, |()| TlsError::Ended(S::PEER))));
            }
            if ready!(self.engine.incoming.poll_fill(&mut self.io, cx)).map_err(broken)? == 0 {
                self.engine.ended = true;
            }
        }
    }

    /// Sends what there is still to be said after an error, and ends our side. Then reads what comes,
    /// to its end: to close a socket with something unread in it takes back what was sent.
    pub(super) async fn send_alert_and_drain(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.engine.outgoing.poll_send(&mut self.io, cx)).await?;
        self.io.shutdown().await?;
        loop {
            self.engine.incoming.consume(self.engine.incoming.len());
            if poll_fn(|cx| self.engine.incoming.poll_fill(&mut self.io, cx)).await? == 0 {
                return Ok(());
            }
        }
    }

    /// The first byte that is to be read, which stays there. `None` at the end.
    pub(super) fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        while self.engine.plain.is_empty() && !self.engine.ended {
            ready!(self.poll_more(cx, None))?;
        }
        Poll::Ready(Ok(self.engine.plain.bytes().first().copied()))
    }

    /// Reads once, and decrypts.
    fn poll_more(&mut self, cx: &mut Context<'_>, into: Option<&mut ReadBuf<'_>>) -> Poll<io::Result<()>> {
        // What it asks of us is answered before more is asked. Where nothing goes out any more, what comes is read on.
        if self.engine.outgoing.poll_send(&mut self.io, cx).is_pending()
            && self.engine.outgoing.len() >= BACKLOG
        {
            return Poll::Pending;
        }
        if ready!(self.engine.incoming.poll_fill(&mut self.io, cx))? == 0 {
            self.engine.ended = true;
            return Poll::Ready(Ok(()));
        }
        let processed = self.engine.process(into);
        // Answers of the session itself, or an alert. If they don't go at once, a flush takes them, or
        // the next read does.
        let _ = self.engine.outgoing.poll_send(&mut self.io, cx);
        Poll::Ready(processed.map_err(TlsError::into_io))
    }

    /// Encrypts and sends as much as fits at once. How much that is.
    fn poll_write_slices(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.engine.outgoing.poll_send(&mut self.io, cx))?;
        if self.engine.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.engine.process(None).map_err(TlsError::into_io)?;
        let UnbufferedStatus { discard, state } =
            self.engine.session.process(self.engine.incoming.bytes_mut());
        let mut traffic = match state {
            Ok(ConnectionState::WriteTraffic(traffic)) => traffic,
            Err(error) => return Poll::Ready(Err(wrong::<S>(error).into_io())),
            Ok(_) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
        let mut taken = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(WRITE - taken)];
            records::encrypt(&mut traffic, part, self.engine.outgoing.queue())
                .map_err(|error| io::Error::other(error.to_string()))?;
            taken += part.len();
        }
        self.engine.incoming.consume(discard);
        // What the socket does not take now goes with the next write or flush.
        if let Poll::Ready(Err(error)) = self.engine.outgoing.poll_send(&mut self.io, cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(taken))
    }
}

fn broken(error: io::Error) -> TlsError {
    TlsError::Io(error.to_string())
}

impl<S: Session, T: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S, T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = into.filled().len();
        loop {
            if !this.engine.plain.is_empty() {
                let n = this.engine.plain.len().min(into.remaining());
                into.put_slice(&this.engine.plain.bytes()[..n]);
                this.engine.plain.consume(n);
                return Poll::Ready(Ok(()));
            }
            if this.engine.ended || into.remaining() == 0 || into.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            ready!(this.poll_more(cx, Some(into)))?;
        }
    }
}

impl<S: Session, T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S, T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.engine.outgoing.poll_send(&mut this.io, cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.engine.closed {
            this.engine.queue_close_notify();
        }
        ready!(this.engine.outgoing.poll_send(&mut this.io, cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}
