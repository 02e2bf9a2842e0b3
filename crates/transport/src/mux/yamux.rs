//! yamux over a byte stream, as the mux of a link.

mod go_away;

use super::{Mux, MuxStream, RawStream};
use crate::buffered_io::{self, BufferedIo, BufferedIoControl};
use go_away::GoAwayWatch;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

pub(crate) use ::yamux::Mode;

/// The receive window of a stream at its start, in bytes: fixed by the yamux specification.
const WINDOW: usize = 256 * 1024;

/// yamux over a byte stream.
pub(crate) struct YamuxMux<T> {
    /// Gone after a violation: what others hold of its streams ends with it.
    connection: Option<::yamux::Connection<GoAwayWatch<BufferedIo<T>>>>,
    io: BufferedIoControl<T>,
    /// Whether yamux has told the peer that it broke the rules.
    violated: Arc<AtomicBool>,
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> YamuxMux<T> {
    /// `max_streams` counts the lane too. Peers that open more lose the connection, so it is set
    /// above the limit that is answered with an error. `window_growth` is what the windows of all
    /// streams together may grow by beyond their first size, in bytes.
    pub(crate) fn new(io: T, mode: Mode, max_streams: usize, window_growth: usize) -> Self {
        let mut config = ::yamux::Config::default();
        config.set_max_connection_receive_window(None);
        config.set_max_num_streams(max_streams);
        config.set_max_connection_receive_window(Some(max_streams * WINDOW + window_growth));
        config.set_split_send_size(MuxStream::PIECE);
        let (io, control) = buffered_io::split(io);
        let (watched, violated) = GoAwayWatch::new(io);
        let connection = Some(::yamux::Connection::new(watched, config, mode));
        Self { connection, io: control, violated }
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Mux for YamuxMux<T> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<RawStream>> {
        self.io.allow_read();
        let Some(connection) = &mut self.connection else { return Poll::Ready(Err(violation())) };
        let stream = connection.poll_next_inbound(cx);
        if self.violated.load(Ordering::Relaxed) {
            // yamux itself would go on with the peer until that leaves.
            self.connection = None;
            return Poll::Ready(Err(violation()));
        }
        stream.map(|stream| match stream {
            Some(Ok(stream)) => Ok(RawStream::Yamux(stream)),
            Some(Err(error)) => Err(into_io(error)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        })
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<RawStream>> {
        match &mut self.connection {
            Some(connection) => connection.poll_new_outbound(cx).map_ok(RawStream::Yamux).map_err(into_io),
            None => Poll::Ready(Err(violation())),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.io.poll_flush(cx)
    }

    /// Not by way of yamux, which would forget its streams without a word to those who wait on them.
    /// They are told when the connection is dropped, and to the peer the end of the bytes says as much
    /// as a frame.
    fn poll_shutdown(&mut self, _: &mut RawStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_shutdown(cx)
    }

    fn take_heard(&mut self) -> Option<Instant> {
        self.io.take_heard()
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.io.held()
    }
}

fn violation() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "yamux protocol violation")
}

fn into_io(error: ::yamux::ConnectionError) -> io::Error {
    match error {
        ::yamux::ConnectionError::Io(error)
        | ::yamux::ConnectionError::Decode(::yamux::FrameDecodeError::Io(error)) => error,
        ::yamux::ConnectionError::Closed => io::ErrorKind::UnexpectedEof.into(),
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}
