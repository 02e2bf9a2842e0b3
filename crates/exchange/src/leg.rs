//! The seam for streams: one end of a stream, whatever its wire frames it like.

use crate::failure::Failure;
use crate::outgoing::Head;
use bytes::Bytes;
use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future of an outlet. What is queued needs none; what may wait costs one allocation.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One end of a stream: bytes in both directions. Dropping one whose directions have not both ended resets it.
pub trait Leg: Debug + Send {
    /// The next bytes; `None` at the end, or behind a reset.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>>;

    /// Writes as many bytes as there is room for.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Ends the direction that is written.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether the peer has reset the stream, or it was lost, before the end of the direction that is read.
    fn is_reset(&self) -> bool;

    /// Ready once the peer has reset the stream, or it was lost, before both directions had ended.
    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Ready once the peer has taken the leg, or has refused or reset it, where legs wait in a queue of the peer's.
    fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether the peer refused the leg without having looked at it: it may be tried again.
    fn is_refused(&self) -> bool;

    /// Lets go of a leg whose written direction has ended and from which nothing more is expected. Unlike a drop it takes
    /// nothing from a peer that still reads.
    fn linger(self: Box<Self>);

    /// Passes on that the other peer has given the stream up. As a drop, but what was written and has not come may be lost
    /// where the carrier's own reset takes it away.
    fn reset(self: Box<Self>);

    /// Ready when the peer has reset the stream, or its connection is lost. Bytes that come instead are kept to be read, and
    /// end the watch; so does the end of what the peer writes, who may still read.
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
    /// [`BeginError`].
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

/// Why a leg that was opened can't be used.
#[derive(Debug)]
pub enum BeginError {
    /// The connection was lost before the peer had it: another may be tried.
    Lost,
    /// The peer does not want it, or it fits no frame.
    Refused(Failure),
}

/// A leg, after what is first on it was said.
pub(crate) type Begun = Result<Box<dyn Leg>, BeginError>;
