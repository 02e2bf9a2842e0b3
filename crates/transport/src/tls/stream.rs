//! TLS as a byte stream, in place of `tokio-rustls`: an idle connection holds 4.2 KB less, for the same CPU.
//! The figures are in docs/performance.md, `examples/tls_stream.rs` makes them.

mod records;
#[cfg(test)]
mod tests;

use super::TlsError;
use super::session::Session;
use crate::outgoing::Outgoing;
use crate::staging::Staging;
use rustls::unbuffered::{AppDataRecord, ConnectionState, UnbufferedStatus};
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
    session: S,
    io: T,
    /// Encrypted, as it came.
    incoming: Staging,
    /// Decrypted, what the last reader had no room for.
    plain: Staging,
    /// Encrypted, on its way out.
    outgoing: Outgoing,
    ended: bool,
    closed: bool,
}

impl<S: Session, T: AsyncRead + AsyncWrite + Unpin> TlsStream<S, T> {
    pub(super) fn new(session: S, io: T) -> Self {
        let (incoming, plain) = Default::default();
        Self { session, io, incoming, plain, outgoing: Outgoing::default(), ended: false, closed: false }
    }

    pub(super) fn session(&self) -> &S {
        &self.session
    }

    /// Goes on with the handshake until it is over and nothing of it is left to be sent.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TlsError>> {
        loop {
            self.process(None)?;
            // Why it ended the connection, if it has, is still there to be read.
            let sent = ready!(self.outgoing.poll_send(&mut self.io, cx));
            if sent.is_ok() && !self.session.state().is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if self.ended || (sent.is_err() && self.plain.len() >= BACKLOG) {
                return Poll::Ready(Err(sent.map_or_else(broken, |()| TlsError::Ended(S::PEER))));
            }
            if ready!(self.incoming.poll_fill(&mut self.io, cx)).map_err(broken)? == 0 {
                self.ended = true;
            }
        }
    }

    /// Sends what there is still to be said after an error, and ends our side. Then reads what comes,
    /// to its end: to close a socket with something unread in it takes back what was sent.
    pub(super) async fn send_alert_and_drain(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.outgoing.poll_send(&mut self.io, cx)).await?;
        self.io.shutdown().await?;
        loop {
            self.incoming.consume(self.incoming.len());
            if poll_fn(|cx| self.incoming.poll_fill(&mut self.io, cx)).await? == 0 {
                return Ok(());
            }
        }
    }

    /// The first byte that is to be read, which stays there. `None` at the end.
    pub(super) fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        while self.plain.is_empty() && !self.ended {
            ready!(self.poll_more(cx, None))?;
        }
        Poll::Ready(Ok(self.plain.bytes().first().copied()))
    }

    /// Decrypts all that has come, into `into` as far as that goes.
    fn process(&mut self, mut into: Option<&mut ReadBuf<'_>>) -> Result<(), TlsError> {
        loop {
            let status = self.session.process(self.incoming.bytes_mut());
            let UnbufferedStatus { mut discard, state } = status;
            let mut settled = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let AppDataRecord { discard: more, payload, .. } = record.map_err(wrong::<S>)?;
                        discard += more;
                        let n = into.as_ref().map_or(0, |into| into.remaining().min(payload.len()));
                        if let Some(into) = &mut into {
                            into.put_slice(&payload[..n]);
                        }
                        if n < payload.len() {
                            self.plain.tail().extend_from_slice(&payload[n..]);
                        }
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => records::encode(data, self.outgoing.queue()),
                // It is, as far as the session goes: it stands in front of what follows.
                Ok(ConnectionState::TransmitTlsData(transmit)) => transmit.done(),
                Ok(ConnectionState::PeerClosed) => self.ended = true,
                Ok(ConnectionState::Closed) => (self.ended, settled) = (true, true),
                Ok(_) => settled = true,
                Err(error) => {
                    self.incoming.consume(discard);
                    self.fail();
                    return Err(wrong::<S>(error));
                }
            }
            self.incoming.consume(discard);
            if settled {
                return Ok(());
            }
        }
    }

    /// After an error there is only left to be sent what the peer is to be told about it. The session
    /// would look at the same bytes again, and fail again.
    fn fail(&mut self) {
        (self.ended, self.closed) = (true, true);
        while self.session.state().wants_write() {
            let UnbufferedStatus { state, .. } = self.session.process(self.incoming.bytes_mut());
            let Ok(ConnectionState::EncodeTlsData(data)) = state else { return };
            records::encode(data, self.outgoing.queue());
        }
    }

    /// Reads once, and decrypts.
    fn poll_more(&mut self, cx: &mut Context<'_>, into: Option<&mut ReadBuf<'_>>) -> Poll<io::Result<()>> {
        // What it asks of us is answered before more is asked. Where nothing goes out any more, what comes is read on.
        if self.outgoing.poll_send(&mut self.io, cx).is_pending() && self.outgoing.len() >= BACKLOG {
            return Poll::Pending;
        }
        if ready!(self.incoming.poll_fill(&mut self.io, cx))? == 0 {
            self.ended = true;
            return Poll::Ready(Ok(()));
        }
        let processed = self.process(into);
        // Answers of the session itself, or an alert. If they don't go at once, a flush takes them, or
        // the next read does.
        let _ = self.outgoing.poll_send(&mut self.io, cx);
        Poll::Ready(processed.map_err(TlsError::into_io))
    }

    /// Encrypts and sends as much as fits at once. How much that is.
    fn poll_write_slices(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.outgoing.poll_send(&mut self.io, cx))?;
        if self.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.process(None).map_err(TlsError::into_io)?;
        let UnbufferedStatus { discard, state } = self.session.process(self.incoming.bytes_mut());
        let mut traffic = match state {
            Ok(ConnectionState::WriteTraffic(traffic)) => traffic,
            Err(error) => return Poll::Ready(Err(wrong::<S>(error).into_io())),
            Ok(_) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
        let mut taken = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(WRITE - taken)];
            records::encrypt(&mut traffic, part, self.outgoing.queue())
                .map_err(|error| io::Error::other(error.to_string()))?;
            taken += part.len();
        }
        self.incoming.consume(discard);
        // What the socket does not take now goes with the next write or flush.
        if let Poll::Ready(Err(error)) = self.outgoing.poll_send(&mut self.io, cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(taken))
    }

    /// Queues the alert that ends our side.
    fn queue_close_notify(&mut self) {
        self.closed = true;
        let UnbufferedStatus { discard, state } = self.session.process(self.incoming.bytes_mut());
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) = state {
            records::close(&mut traffic, self.outgoing.queue());
        }
        self.incoming.consume(discard);
    }
}

fn wrong<S: Session>(error: rustls::Error) -> TlsError {
    TlsError::new(&error, S::PEER)
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
            if !this.plain.is_empty() {
                let n = this.plain.len().min(into.remaining());
                into.put_slice(&this.plain.bytes()[..n]);
                this.plain.consume(n);
                return Poll::Ready(Ok(()));
            }
            if this.ended || into.remaining() == 0 || into.filled().len() > before {
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
        ready!(this.outgoing.poll_send(&mut this.io, cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.closed {
            this.queue_close_notify();
        }
        ready!(this.outgoing.poll_send(&mut this.io, cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}
