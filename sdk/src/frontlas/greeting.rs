//! A connection whose other end has been heard to speak HTTP/2.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

/// What an HTTP/2 client begins with (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Length, kind, flags and stream of a frame (RFC 9113, 4.1), of which the server's first is SETTINGS.
const FRAME_HEADER: usize = 9;
const KIND: usize = 3;
const SETTINGS: u8 = 4;

/// A connection over which the client's preface has gone out already, so that the one that is written is left out, and of
/// which the first bytes have been read.
#[derive(Debug)]
pub(super) struct Greeted<S> {
    io: S,
    /// Bytes of the preface that are yet to be written, and left out.
    left_out: usize,
    /// The first bytes that have come, and how many of them were read.
    head: [u8; FRAME_HEADER],
    read: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Greeted<S> {
    /// One that nobody has been greeted over.
    pub(super) fn not_yet(io: S) -> Self {
        Self { io, left_out: 0, head: [0; FRAME_HEADER], read: FRAME_HEADER }
    }

    /// Greets the other end, which has so long to answer.
    ///
    /// # Errors
    /// [`TimedOut`](io::ErrorKind::TimedOut) if it says nothing, and if it says what no HTTP/2 server begins with.
    pub(super) async fn greet(mut io: S, limit: Duration) -> io::Result<Self> {
        let mut head = [0; FRAME_HEADER];
        let greeting = async {
            io.write_all(PREFACE).await?;
            io.flush().await?;
            io.read_exact(&mut head).await
        };
        let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("no word within {limit:?}")));
        timeout(limit, greeting).await.unwrap_or_else(late)?;
        if head[KIND] != SETTINGS {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it speaks no HTTP/2"));
        }
        Ok(Self { io, left_out: PREFACE.len(), head, read: 0 })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { io, head, read, .. } = &mut *self;
        let rest = &head[*read..];
        if rest.is_empty() {
            return Pin::new(io).poll_read(cx, into);
        }
        let n = rest.len().min(into.remaining());
        into.put_slice(&rest[..n]);
        *read += n;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.left_out == 0 || bytes.is_empty() {
            return Pin::new(&mut self.io).poll_write(cx, bytes);
        }
        let n = bytes.len().min(self.left_out);
        let begin = PREFACE.len() - self.left_out;
        if bytes[..n] != PREFACE[begin..begin + n] {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, "no preface of HTTP/2")));
        }
        self.left_out -= n;
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{DuplexStream, duplex};

    const LIMIT: Duration = Duration::from_secs(3);
    /// An empty SETTINGS frame.
    const EMPTY: [u8; FRAME_HEADER] = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];

    async fn greeted_by(says: &[u8]) -> (io::Result<Greeted<DuplexStream>>, DuplexStream) {
        let (near, mut far) = duplex(1024);
        far.write_all(says).await.unwrap();
        (Greeted::greet(near, LIMIT).await, far)
    }

    #[tokio::test]
    async fn the_preface_goes_out_once_and_what_came_is_read_once() {
        for piece in [1, 7, 24, 100] {
            let (greeted, mut far) = greeted_by(&EMPTY).await;
            let mut greeted = greeted.unwrap();
            let mut sent = PREFACE.to_vec();
            sent.extend_from_slice(b"and more");
            for piece in sent.chunks(piece) {
                greeted.write_all(piece).await.unwrap();
            }
            far.write_all(b"rest").await.unwrap();
            let mut came = [0; FRAME_HEADER + 4];
            greeted.read_exact(&mut came).await.unwrap();
            assert_eq!((&came[..FRAME_HEADER], &came[FRAME_HEADER..]), (&EMPTY[..], &b"rest"[..]));
            drop(greeted);
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, sent, "in pieces of {piece}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_or_something_else_is_none() {
        for (says, kind) in
            [(&b""[..], io::ErrorKind::TimedOut), (b"HTTP/1.1 400 no", io::ErrorKind::InvalidData)]
        {
            assert_eq!(greeted_by(says).await.0.unwrap_err().kind(), kind);
        }
        let (near, far) = duplex(1024);
        drop(far);
        assert!(Greeted::greet(near, LIMIT).await.is_err(), "it has hung up");
    }

    #[tokio::test]
    async fn without_a_greeting_it_is_the_connection_itself() {
        let (near, mut far) = duplex(1024);
        let mut io = Greeted::not_yet(near);
        io.write_all(PREFACE).await.unwrap();
        far.write_all(b"word").await.unwrap();
        let mut came = [0; 4];
        io.read_exact(&mut came).await.unwrap();
        drop(io);
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!((&came, &all[..]), (b"word", &PREFACE[..]));
    }
}
