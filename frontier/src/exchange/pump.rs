//! Moving bytes from one stream to another.

use bytes::{Buf, Bytes};
use frontier_transport::MuxStream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use thiserror::Error;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// How many chunks one direction moves before it lets other tasks run.
const CHUNKS: usize = 4;

/// One direction of a joined stream.
///
/// ```text
///   Copying ──(end of the source)──▶ Closing ──(end passed on)──▶ Done
/// ```
#[derive(Debug)]
enum Half {
    Copying(Bytes),
    Closing,
    Done,
}

/// Joins two streams until both directions have ended, or either stream was reset or lost: then both
/// are dropped, which resets whatever is left of them.
///
/// Each direction holds one chunk. A reader that stalls stops its own direction and nothing else: the
/// writer runs out of its window.
pub(crate) async fn join(mut a: MuxStream, mut b: MuxStream) {
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
    fn poll(
        &mut self,
        from: &mut MuxStream,
        to: &mut MuxStream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        for _ in 0..CHUNKS {
            match self {
                Self::Copying(chunk) if chunk.has_remaining() => {
                    let written = ready!(Pin::new(&mut *to).poll_write(cx, chunk))?;
                    chunk.advance(written);
                }
                Self::Copying(_) => match ready!(from.poll_chunk(cx)) {
                    Some(chunk) => *self = Self::Copying(chunk?),
                    None if from.is_reset() => {
                        return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                    }
                    None => *self = Self::Closing,
                },
                Self::Closing => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                    *self = Self::Done;
                }
                Self::Done => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
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

/// Moves `len` bytes, and ends the target's half behind them.
pub(crate) async fn copy_exact(from: &mut MuxStream, to: &mut MuxStream, len: u64) -> Result<(), CopyError> {
    let mut left = len;
    while left > 0 {
        let Some(chunk) = from.chunk().await else {
            return Err(if from.is_reset() { CopyError::Lost } else { CopyError::Source });
        };
        let chunk = chunk.map_err(|_| CopyError::Lost)?;
        left = left.checked_sub(chunk.len() as u64).ok_or(CopyError::Source)?;
        to.write_all(&chunk).await.map_err(|_| CopyError::Target)?;
    }
    to.shutdown().await.map_err(|_| CopyError::Target)
}
