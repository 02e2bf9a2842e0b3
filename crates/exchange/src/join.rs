//! Moving bytes from one leg to another.

use crate::Peer;
use crate::counters::Part;
use crate::leg::{Leg, write_all};
use bytes::{Buf, Bytes};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use thiserror::Error;
use tokio::time::Sleep;

/// How many chunks one direction moves before it lets other tasks run.
const CHUNKS_PER_POLL: usize = 4;

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

/// Joins two legs until both directions have ended, or either leg was reset or lost: then whatever is left of both is
/// reset.
///
/// Each direction holds one chunk. A reader that stalls stops its own direction and nothing else: the writer runs out
/// of its window. Who is over its quota of bytes waits in the same way. `passed` hears of each chunk: what `a` sends is the
/// request.
pub(crate) async fn join(mut a: Joined, mut b: Joined, passed: impl Fn(Part, usize)) {
    let (mut there, mut back) = (Half::Copying(Bytes::new()), Half::Copying(Bytes::new()));
    let joined = std::future::poll_fn(|cx| {
        let there = there.poll(&mut a, &mut b, &|bytes| passed(Part::Request, bytes), cx);
        let back = back.poll(&mut b, &mut a, &|bytes| passed(Part::Reply, bytes), cx);
        match (there, back) {
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(Ok(())),
            (Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            _ => Poll::Pending,
        }
    });
    if joined.await.is_err() {
        a.leg.reset();
        b.leg.reset();
    }
}

impl Half {
    fn poll(
        &mut self,
        from: &mut Joined,
        to: &mut Joined,
        passed: &impl Fn(usize),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        for _ in 0..CHUNKS_PER_POLL {
            match self {
                Self::Copying(chunk) if chunk.has_remaining() => {
                    let written = ready!(to.leg.poll_write(cx, chunk))?;
                    chunk.advance(written);
                }
                Self::Copying(_) => match ready!(from.leg.poll_chunk(cx)) {
                    Some(chunk) => {
                        let chunk = chunk?;
                        passed(chunk.len());
                        *self = Self::charged(chunk, &from.payer);
                    }
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
                Self::Done => {
                    // Whoever has ended its direction may still give the other one up, to whose writer that is told.
                    if from.leg.poll_reset(cx).is_ready() {
                        return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                    }
                    return Poll::Ready(Ok(()));
                }
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
    #[error("the receiver has given the payload up, or its connection was lost")]
    Target,
    #[error("the receiver takes no more streams at the moment")]
    Refused,
}

/// Moves `len` bytes, and ends the target's direction behind them. Of these `came` have come, whatever becomes of them.
async fn copy_exact(
    from: &mut (dyn Leg + '_),
    to: &mut (dyn Leg + '_),
    len: u64,
    came: &mut u64,
) -> Result<(), CopyError> {
    while *came < len {
        let chunk = std::future::poll_fn(|cx| {
            if to.poll_reset(cx).is_ready() {
                return Poll::Ready(Err(target_failed(to)));
            }
            from.poll_chunk(cx).map(Ok)
        });
        let Some(chunk) = chunk.await? else {
            return Err(if from.is_reset() { CopyError::Lost } else { CopyError::Source });
        };
        let chunk = chunk.map_err(|_| CopyError::Lost)?;
        *came += chunk.len() as u64;
        if *came > len {
            return Err(CopyError::Source);
        }
        write_all(to, &chunk).await.map_err(|_| target_failed(to))?;
    }
    std::future::poll_fn(|cx| to.poll_shutdown(cx)).await.map_err(|_| target_failed(to))
}

/// Passes a payload of `len` bytes on from the leg on which it comes, of which `came` have come whatever becomes of them:
/// its sender is told that all of it has, and the receiver's leg is let go once that has taken it.
pub(crate) async fn pass_on(
    from: &mut (dyn Leg + '_),
    mut to: Box<dyn Leg>,
    len: u64,
    came: &mut u64,
) -> Result<(), CopyError> {
    copy_exact(from, &mut *to, len, came).await?;
    // By the end of the direction in which nothing is sent; a sender that is gone does not hear it.
    let _ = std::future::poll_fn(|cx| from.poll_shutdown(cx)).await;
    std::future::poll_fn(|cx| to.poll_taken(cx)).await;
    if to.is_refused() {
        return Err(CopyError::Refused);
    }
    to.linger();
    Ok(())
}

fn target_failed(to: &(dyn Leg + '_)) -> CopyError {
    if to.is_refused() { CopyError::Refused } else { CopyError::Target }
}

#[cfg(test)]
mod tests;
