//! One stream of QUIC, with the resets and priorities that a link wants.

use super::BoxedFuture;
use super::error::into_io;
use super::shared::Shared;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use quinn::{ReadError, RecvStream, SendStream, StreamId, VarInt, WriteError};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// How many packets' worth of the lane one batch takes at most; about 45 KiB.
const BATCH: usize = 32;

/// Sent with the stop of a stream that was given up.
const RESET: VarInt = VarInt::from_u32(1);

/// Sent by QUIC with the stop of a stream whose reader has finished writing and wants no more.
const NO_MORE: VarInt = VarInt::from_u32(0);

/// Above the streams of users: what waits on the lane goes first.
const LANE_PRIORITY: i32 = 1;

/// Below them: what they have written goes before the lane's end.
const LANE_END_PRIORITY: i32 = -1;

/// Both halves of one bidirectional QUIC stream.
///
/// QUIC's own reset takes away what was written before it. So a stream that is given up is finished,
/// which delivers that, and its other direction is stopped with a code that tells this end from a good
/// one. Both go out in one packet as a rule. If that is lost the stop may come behind the end; what
/// users read then ends without its last frame, which they take for a loss in any case. Where the other direction
/// has ended there is nothing to stop, and the reset is QUIC's own. It is too where a [reset](Self::reset) is passed on,
/// whose peer has lost the rest in any case.
pub(crate) struct QuicStream {
    /// Gone once finished.
    send: Option<SendStream>,
    /// What it became then: the peer may still stop it.
    finished: Option<Arc<SendStream>>,
    recv: RecvStream,
    /// Whether everything up to the peer's end was read.
    ended: bool,
    /// Whether the peer may go on reading when this is dropped.
    lingers: bool,
    /// Whether a drop is to be QUIC's own reset.
    resets: bool,
    /// Waits for the peer to stop what is sent.
    stopping: Option<BoxedFuture<()>>,
    /// Whether the peer has reset its half.
    reset: bool,
    /// Whether the peer opened it.
    accepted: bool,
    shared: Arc<Shared>,
}

impl QuicStream {
    pub(super) fn opened((send, recv): (SendStream, RecvStream), shared: Arc<Shared>) -> Self {
        Self {
            send: Some(send),
            finished: None,
            recv,
            ended: false,
            lingers: false,
            resets: false,
            stopping: None,
            reset: false,
            accepted: false,
            shared,
        }
    }

    pub(super) fn accepted(halves: (SendStream, RecvStream), shared: Arc<Shared>) -> Self {
        shared.count_accepted();
        let mut stream = Self::opened(halves, shared);
        stream.accepted = true;
        stream
    }

    pub(in crate::mux) fn id(&self) -> StreamId {
        self.recv.id()
    }

    pub(super) fn start_lane(&self) {
        self.set_priority(LANE_PRIORITY);
    }

    /// Puts what the lane sends from here on behind what streams have yet to send.
    pub(in crate::mux) fn yield_lane(&self) {
        self.set_priority(LANE_END_PRIORITY);
    }

    fn set_priority(&self, priority: i32) {
        if let Some(send) = &self.send {
            // Fails on a stream that has ended, where it does not matter.
            let _ = send.set_priority(priority);
        }
    }

    /// The next bytes, in the memory that they came in; `None` at the end, be it for a reset.
    pub(in crate::mux) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let chunk = ready!(pin!(self.recv.read_chunk(usize::MAX, true)).poll(cx));
        Poll::Ready(match chunk {
            Ok(chunk) => {
                self.ended |= chunk.is_none();
                chunk.map(|chunk| chunk.bytes)
            }
            Err(error) => {
                self.note(&error);
                None
            }
        })
    }

    /// What has come, in one piece. The loss of the connection is an error.
    pub(in crate::mux) fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let first = match ready!(pin!(self.recv.read_chunk(usize::MAX, true)).poll(cx)) {
            Ok(Some(chunk)) => chunk.bytes,
            Err(ReadError::ConnectionLost(error)) => return Poll::Ready(Some(Err(into_io(error)))),
            Ok(None) | Err(_) => return Poll::Ready(None),
        };
        let mut more = [const { Bytes::new() }; BATCH];
        let read = pin!(self.recv.read_chunks(&mut more)).poll(cx);
        Poll::Ready(Some(Ok(match read {
            Poll::Ready(Ok(Some(n))) => join(&first, &more[..n]),
            // An end or an error comes again with the next call.
            _ => first,
        })))
    }

    pub(in crate::mux) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(match ready!(self.recv.poll_read(cx, into)) {
            Ok(n) => {
                self.ended |= n == 0 && !into.is_empty();
                Ok(n)
            }
            Err(error) => {
                self.note(&error);
                Ok(0)
            }
        })
    }

    fn note(&mut self, error: &ReadError) {
        self.reset |= matches!(error, ReadError::Reset(_));
    }

    pub(in crate::mux) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(send) = &mut self.send else { return Poll::Ready(Err(ended())) };
        let written = ready!(Pin::new(send).poll_write(cx, bytes));
        Poll::Ready(written.map_err(|error| match error {
            WriteError::ConnectionLost(error) => into_io(error),
            WriteError::Stopped(_) => {
                io::Error::new(io::ErrorKind::ConnectionReset, "the peer has stopped the stream")
            }
            WriteError::ClosedStream | WriteError::ZeroRttRejected => ended(),
        }))
    }

    pub(in crate::mux) fn finish(&mut self) -> io::Result<()> {
        // What tells of it does not outlast the half.
        self.reset |= self.is_reset();
        if let Some(mut send) = self.send.take() {
            // Fails on a stream that has ended already.
            let _ = send.finish();
            // A peer that wants no more is told the end by a reset, which the drop does. It gives the
            // stream's place back only then.
            if !matches!(send.stopped().now_or_never(), Some(Ok(Some(_)))) {
                let send = Arc::new(send);
                self.finished = Some(send.clone());
                self.shared.keep(send);
            }
        }
        Ok(())
    }

    /// Whether the peer has given it up, or it was lost, before it was over.
    pub(in crate::mux) fn is_reset(&self) -> bool {
        let Some(send) = self.send.as_ref().or(self.finished.as_deref()) else { return self.reset };
        match send.stopped().now_or_never() {
            None | Some(Ok(None)) => self.reset,
            Some(Ok(Some(code))) => self.reset || code != NO_MORE,
            // Of a stream that is over in both directions nothing was lost.
            Some(Err(_)) => !(self.ended && self.send.is_none()),
        }
    }

    /// Ready once [`is_reset`](Self::is_reset), as far as what is sent tells; reading tells the rest.
    pub(in crate::mux) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.is_reset() {
                return Poll::Ready(());
            }
            let stopping = match &mut self.stopping {
                Some(stopping) => stopping,
                None => {
                    let Some(send) = self.send.as_ref().or(self.finished.as_deref()) else {
                        return Poll::Pending;
                    };
                    let stopped = send.stopped();
                    self.stopping.insert(Box::pin(async move { drop(stopped.await) }))
                }
            };
            ready!(stopping.as_mut().poll(cx));
            // What is done must not be polled again, and tells nothing more.
            *stopping = Box::pin(std::future::pending());
        }
    }

    pub(in crate::mux) fn linger(&mut self) {
        self.lingers = true;
    }

    pub(in crate::mux) fn reset(&mut self) {
        self.resets = true;
    }

    #[cfg(test)]
    pub(in crate::mux) fn has_ended(&self) -> bool {
        self.ended
    }
}

impl Drop for QuicStream {
    fn drop(&mut self) {
        match &mut self.send {
            Some(send) if self.ended => drop(send.reset(RESET)),
            Some(send) => {
                if self.resets {
                    // Fails on a half that was stopped.
                    let _ = send.reset(RESET);
                }
                // Fails if all has come.
                let _ = self.recv.stop(RESET);
            }
            None if self.ended || self.lingers => {}
            None => drop(self.recv.stop(RESET)),
        }
        if self.accepted {
            self.shared.discount_accepted();
        }
    }
}

fn join(first: &Bytes, more: &[Bytes]) -> Bytes {
    let len = first.len() + more.iter().map(Bytes::len).sum::<usize>();
    let mut joined = BytesMut::with_capacity(len);
    joined.extend_from_slice(first);
    more.iter().for_each(|chunk| joined.extend_from_slice(chunk));
    joined.freeze()
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the stream's writing half has ended")
}
