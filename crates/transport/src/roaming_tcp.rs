//! A TCP socket that follows its reader from runtime to runtime.

use crate::tcp::keep_alive;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::{Handle, Id};

/// A TCP socket whose readiness is told by the runtime in which it is polled.
///
/// A socket of tokio's is watched by the runtime that it was made in, for good. Polled in another one, this moves over,
/// which costs two system calls.
#[derive(Debug)]
pub(crate) struct RoamingTcp {
    /// Gone if it could not be moved.
    socket: Option<TcpStream>,
    runtime: Id,
}

impl RoamingTcp {
    /// A socket of the current runtime.
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket: Some(socket), runtime: Handle::current().id() }
    }

    /// The first byte that the peer sends, which is not taken; `None` if it has left, which is met again by whoever reads.
    pub(crate) async fn first_byte(&mut self) -> Option<u8> {
        let mut first = [0];
        match self.here().ok()?.peek(&mut first).await {
            Ok(1) => Some(first[0]),
            _ => None,
        }
    }

    /// Has the kernel notice that the peer is gone.
    pub(crate) fn keep_alive(&self) {
        if let Some(socket) = &self.socket {
            keep_alive(socket);
        }
    }

    fn here(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let here = Handle::current().id();
        if here != self.runtime {
            let socket = self.socket.take().ok_or(io::ErrorKind::NotConnected)?;
            self.socket = Some(TcpStream::from_std(socket.into_std()?)?);
            self.runtime = here;
        }
        let socket = self.socket.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(socket))
    }
}

impl AsyncRead for RoamingTcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.here()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for RoamingTcp {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.here()?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.here()?.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket holds nothing back.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.here()?.poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::runtime::Builder;

    #[test]
    fn it_is_read_and_written_in_one_runtime_after_the_other() {
        let runtimes = [(); 2].map(|()| Builder::new_current_thread().enable_all().build().unwrap());
        let (mut near, mut far) = runtimes[0].block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            (RoamingTcp::new(near), listener.accept().await.unwrap().0)
        });
        for turn in 0..4 {
            let waits = runtimes[turn % 2].spawn(async move {
                let mut byte = [0];
                near.read_exact(&mut byte).await.unwrap();
                near.write_all(&byte).await.unwrap();
                near
            });
            far = runtimes[0].block_on(async move {
                far.write_all(&[7]).await.unwrap();
                far
            });
            near = runtimes[turn % 2].block_on(waits).unwrap();
            far = runtimes[0].block_on(async move {
                assert_eq!(far.read_u8().await.unwrap(), 7);
                far
            });
        }
        runtimes[1].block_on(near.shutdown()).unwrap();
        assert_eq!(runtimes[0].block_on(far.read(&mut [0])).unwrap(), 0);
    }
}
