//! One task that owns one socket.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anyhow::{Result, anyhow};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use super::outbox::Outbox;

/// What is done with the bytes that a connection reads.
pub(crate) trait Peer: Send {
    /// Takes every complete frame out of `inbox` and leaves the rest; may answer at once through `replies`.
    ///
    /// Whom it gives work through an outbox, it wakes at its end.
    fn receive(&mut self, inbox: &mut BytesMut, replies: &mut Vec<u8>) -> Result<()>;
}

/// A socket, its peer, and the buffers between them.
#[derive(Debug)]
pub(crate) struct Connection<P> {
    stream: TcpStream,
    outbox: Arc<Outbox>,
    peer: P,
    inbox: BytesMut,
    outgoing: Vec<u8>,
    written: usize,
}

impl<P: Peer> Connection<P> {
    pub(crate) fn new(stream: TcpStream, outbox: Arc<Outbox>, peer: P) -> Self {
        Self { stream, outbox, peer, inbox: BytesMut::new(), outgoing: Vec::new(), written: 0 }
    }

    /// Reads and writes until the connection breaks.
    ///
    /// # Errors
    /// Always, if only to say that the other side closed.
    pub(crate) async fn run(mut self) -> Result<()> {
        poll_fn(|context| self.poll(context)).await
    }

    /// Neither direction waits for the other, or two full sockets would wait for each other for ever.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            let read = self.poll_read(context)?;
            let write = self.poll_write(context)?;
            if read.is_pending() && write.is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Reads once, and lets the peer have all of it.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.inbox.reserve(READ_SIZE);
        let read = ready!(pin!(self.stream.read_buf(&mut self.inbox)).poll(context))?;
        if read == 0 {
            return Poll::Ready(Err(anyhow!("the other side closed the connection")));
        }
        Poll::Ready(self.peer.receive(&mut self.inbox, &mut self.outgoing))
    }

    /// Writes what there is; pending when that is nothing.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.outgoing.is_empty() {
            self.outbox.drain(&mut self.outgoing, context);
        }
        if self.outgoing.is_empty() {
            return Poll::Pending;
        }
        while self.written < self.outgoing.len() {
            let rest = &self.outgoing[self.written..];
            self.written += ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
        }
        self.outgoing.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

/// Room for one read: much more than a batch of small frames, and few reads for a large one.
const READ_SIZE: usize = 64 << 10;
