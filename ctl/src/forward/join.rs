//! Joins a TCP connection and a stream.

use super::liveness::{Activity, Liveness};
use frontier_sdk::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;

/// Bytes that are read at once. The stream sends as much in one frame.
const BUFFER: usize = 64 * 1024;

/// Copies both ways until both directions have ended. The end of one direction is passed on and the other
/// goes on, as with TCP.
///
/// # Errors
/// If either is reset or lost, or the TCP side has vanished or does nothing any more: then the other is reset as well,
/// because an end in good order would make a part of the data look like all of it.
pub(super) async fn join(tcp: TcpStream, mut stream: Stream, liveness: Liveness) -> io::Result<(u64, u64)> {
    // Somebody may be typing.
    let _ = tcp.set_nodelay(true);
    let activity = Activity::new();
    let mut tcp = Watched { tcp, activity: &activity };
    let copied = async {
        liveness.watch(&tcp.tcp)?;
        tokio::select! {
            copied = copy_bidirectional_with_sizes(&mut tcp, &mut stream, BUFFER, BUFFER) => copied,
            () = liveness.idle(&activity) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "nothing has moved for as long as --idle-timeout says"))
            }
        }
    };
    let copied = copied.await;
    if copied.is_err() {
        stream.reset();
        reset(tcp.tcp);
    }
    copied
}

/// Ends a connection so that its other end sees an error, not an end.
pub(super) fn reset(tcp: TcpStream) {
    let _ = tcp.set_zero_linger();
}

/// A TCP connection of which it is known when a byte last moved.
struct Watched<'a> {
    tcp: TcpStream,
    activity: &'a Activity,
}

impl AsyncRead for Watched<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.tcp).poll_read(cx, buf));
        self.activity.note();
        Poll::Ready(read)
    }
}

impl AsyncWrite for Watched<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.tcp).poll_write(cx, buf));
        self.activity.note();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
