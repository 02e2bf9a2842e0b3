//! The seam for streams: one end of a stream, whatever its wire frames it like, and joining two of them.

use crate::outlet::{Begun, BoxFuture, Head};
use crate::{Failure, Peer};
use bytes::{Buf, Bytes};
use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use thiserror::Error;
use tokio::time::Sleep;

/// How many chunks one direction moves before it lets other tasks run.
const CHUNKS_PER_POLL: usize = 4;

/// One end of a stream: bytes in both directions. Dropping one whose directions have not both ended resets it.
pub trait Leg: Debug + Send {
    /// The next bytes; `None` at the end, or behind a reset.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>>;

    /// Writes as many bytes as there is room for.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Ends the direction that is written.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether the peer has reset the stream, or it was lost, while the direction that is written was open.
    fn is_reset(&self) -> bool;

    /// Ready when the peer ends or resets the stream, or its connection is lost. Bytes that come instead are kept to be
    /// read, and end the watch.
    fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A leg that a peer has opened, and which the peer may wait for to be taken.
pub trait IncomingLeg: Leg {
    /// Tells the peer that it was taken.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<()>>;

    /// Tells the peer why it was not.
    fn refuse<'a>(self: Box<Self>, failure: &'a Failure) -> BoxFuture<'a, ()>;
}

/// A leg that was opened to a peer, on which nothing was said yet.
pub trait NewLeg: Debug + Send {
    /// Says what it is for, and waits until the peer has taken it where that is to be waited for: for a stream, and for
    /// a payload that goes to another gateway.
    ///
    /// # Errors
    /// [`BeginError`](crate::BeginError).
    fn begin<'a>(self: Box<Self>, head: Head<'a>) -> BoxFuture<'a, Begun>;
}

/// Writes all of `bytes`.
///
/// # Errors
/// When the leg is lost.
///
/// # Cancel safety
/// Not cancel safe: how much was written is not told.
pub async fn write_all(leg: &mut (dyn Leg + '_), mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::future::poll_fn(|cx| leg.poll_write(cx, bytes)).await?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// One of the two legs that are joined.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) leg: Box<dyn Leg>,
    /// Who is at its other end, and is charged for what it sends.
    pub(crate) payer: Arc<Peer>,
}

/// One direction of a joined stream.
///
/// ```text
///   Waiting ◀──(over a quota)──▶ Copying ──(end of the source)──▶ Closing ──(end passed on)──▶ Done
/// ```
#[derive(Debug)]
enum Half {
    Copying(Bytes),
    /// Until the chunk is within the quota.
    Waiting(Pin<Box<Sleep>>, Bytes),
    Closing,
    Done,
}

/// Joins two legs until both directions have ended, or either leg was reset or lost: then both are dropped, which
/// resets whatever is left of them.
///
/// Each direction holds one chunk. A reader that stalls stops its own direction and nothing else: the writer runs out
/// of its window. Who is over its quota of bytes waits in the same way.
pub(crate) async fn join(mut a: Joined, mut b: Joined) {
    let (mut there, mut back) = (Half::Copying(Bytes::new()), Half::Copying(Bytes::new()));
    std::future::poll_fn(|cx| {
        let there = there.poll(&mut a, &mut b, cx);
        let back = back.poll(&mut b, &mut a, cx);
        match (there, back) {
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(()),
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
}

impl Half {
    fn poll(&mut self, from: &mut Joined, to: &mut Joined, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..CHUNKS_PER_POLL {
            match self {
                Self::Copying(chunk) if chunk.has_remaining() => {
                    let written = ready!(to.leg.poll_write(cx, chunk))?;
                    chunk.advance(written);
                }
                Self::Copying(_) => match ready!(from.leg.poll_chunk(cx)) {
                    Some(chunk) => *self = Self::charged(chunk?, &from.payer),
                    None if from.leg.is_reset() => {
                        return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                    }
                    None => *self = Self::Closing,
                },
                Self::Waiting(until, chunk) => {
                    ready!(until.as_mut().poll(cx));
                    *self = Self::charged(std::mem::take(chunk), &from.payer);
                }
                Self::Closing => {
                    ready!(to.leg.poll_shutdown(cx))?;
                    *self = Self::Done;
                }
                Self::Done => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn charged(chunk: Bytes, payer: &Peer) -> Self {
        match payer.authorization().charge_bytes(chunk.len()) {
            Ok(()) => Self::Copying(chunk),
            Err(over) => Self::Waiting(Box::pin(tokio::time::sleep(over.retry_after)), chunk),
        }
    }
}

/// Which side of a [`copy_exact`] failed.
#[derive(Debug, Error)]
pub(crate) enum CopyError {
    #[error("the payload has another length than was announced")]
    Source,
    #[error("the payload's sender was lost before its end")]
    Lost,
    #[error("the connection to the receiver was lost")]
    Target,
}

/// Moves `len` bytes, and ends the target's direction behind them.
pub(crate) async fn copy_exact(
    from: &mut (dyn Leg + '_),
    to: &mut (dyn Leg + '_),
    len: u64,
) -> Result<(), CopyError> {
    let mut left = len;
    while left > 0 {
        let Some(chunk) = std::future::poll_fn(|cx| from.poll_chunk(cx)).await else {
            return Err(if from.is_reset() { CopyError::Lost } else { CopyError::Source });
        };
        let chunk = chunk.map_err(|_| CopyError::Lost)?;
        left = left.checked_sub(chunk.len() as u64).ok_or(CopyError::Source)?;
        write_all(to, &chunk).await.map_err(|_| CopyError::Target)?;
    }
    std::future::poll_fn(|cx| to.poll_shutdown(cx)).await.map_err(|_| CopyError::Target)
}
