//! A framed, multiplexed connection, and the loop that drives it.

pub(crate) mod handle;
mod outbox;

use crate::buffer;
use crate::mux::{Mode, Mux, MuxStream, RawStream, StreamSlot, YamuxMux, packet_bytes};
use bytes::Bytes;
use frontier_protocol::{DecodeError, Decoder, EncodeError, Frame};
use futures_util::Stream as _;
use handle::LinkHandle;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker, ready};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

/// How often one poll goes round before it lets other tasks run.
const ROUNDS: usize = 32;

/// How many batches of frames one task poll may take before it lets other tasks run.
const BATCHES: u8 = 16;

/// Limits of a link.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// The longest frame on the lane, in bytes.
    pub max_frame: usize,
    /// Bytes in the outbox from which on questions are refused.
    pub outbox_soft: usize,
    /// Bytes in the outbox from which on the link is closed.
    pub outbox_hard: usize,
    /// Streams that may be open at once, opened by either side, the lane aside.
    pub max_streams: u32,
}

/// Why a link is closed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CloseReason {
    /// The peer ended the connection.
    #[error("the peer closed the connection")]
    Peer,
    /// The connection broke.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// The peer did not read what was sent to it.
    #[error("the peer reads too slowly")]
    SlowPeer,
    /// The peer gave no sign of life.
    #[error("the peer gave no sign of life")]
    Silent,
    /// A newer connection took over the identity.
    #[error("a newer connection took over")]
    Superseded,
    /// The process is stopping, or the user closed it.
    #[error("closed here")]
    Local,
}

/// An error of the peer or of the connection. The link is of no further use.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The connection is closed.
    #[error(transparent)]
    Closed(#[from] CloseReason),
    /// The peer sent what is no frame.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl LinkError {
    /// The reason for which the link ends.
    #[must_use]
    pub fn reason(self) -> CloseReason {
        match self {
            Self::Closed(reason) => reason,
            Self::Decode(error) => CloseReason::Protocol(error.to_string()),
        }
    }
}

/// What [`Link::next`] reports.
#[derive(Debug)]
pub enum Event {
    /// Frames have come: take them with [`Link::frame`] until there are none.
    Frames,
    /// The peer opened a stream.
    Stream(MuxStream),
    /// The peer opened a stream beyond the limit: answer it with an error, and drop it.
    ExcessStream(MuxStream),
}

/// A connection to one peer, owned and driven by one task.
///
/// Nothing moves unless [`next`](Self::next) is polled.
pub struct Link {
    handle: LinkHandle,
    mux: Box<dyn Mux>,
    lane: RawStream,
    decoder: Decoder,
    /// Taken from the outbox, and how much of it the lane has accepted.
    writing: Vec<u8>,
    written: usize,
    batches: u8,
    waker: Waker,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("lane", &self.lane).finish_non_exhaustive()
    }
}

impl Link {
    /// The dialler's side over an established byte stream: opens the lane.
    ///
    /// # Errors
    /// When the connection is lost meanwhile.
    pub async fn dial<T>(io: T, config: LinkConfig) -> Result<Self, CloseReason>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let config = Arc::new(config);
        let mut mux = YamuxMux::new(io, Mode::Client, mux_streams(&config));
        let lane = std::future::poll_fn(|cx| mux.poll_open(cx)).await.map_err(lost)?;
        Ok(Self::new(Box::new(mux), lane, config))
    }

    /// The gateway's side over an established byte stream: waits for the dialler to open the lane.
    /// The caller sets the deadline.
    ///
    /// # Errors
    /// When the connection is lost meanwhile, or the peer speaks another language.
    pub async fn accept<T>(io: T, config: Arc<LinkConfig>) -> Result<Self, CloseReason>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut mux = YamuxMux::new(io, Mode::Server, mux_streams(&config));
        let lane = std::future::poll_fn(|cx| {
            let lane = mux.poll_accept(cx);
            if let Poll::Ready(Err(error)) = mux.poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            lane
        });
        let lane = lane.await.map_err(lost)?;
        Ok(Self::new(Box::new(mux), lane, config))
    }

    fn new(mux: Box<dyn Mux>, lane: RawStream, config: Arc<LinkConfig>) -> Self {
        let decoder = Decoder::new(config.max_frame);
        let handle = LinkHandle::new(config);
        let waker = Waker::from(handle.shared.signal.clone());
        Self { handle, mux, lane, decoder, writing: Vec::new(), written: 0, batches: 0, waker }
    }

    /// A handle for others.
    #[must_use]
    pub fn handle(&self) -> LinkHandle {
        self.handle.clone()
    }

    /// Sets the longest frame that the peer may send from here on, in bytes.
    pub fn set_max_frame(&mut self, max_frame: usize) {
        self.decoder.set_max_frame(max_frame);
    }

    /// Whether the peer has sent anything since the last call.
    pub fn take_heard(&mut self) -> bool {
        self.mux.take_heard()
    }

    /// The next frame of those that have come.
    ///
    /// # Errors
    /// [`LinkError::Decode`] if the peer sent what is no frame.
    pub fn frame(&mut self) -> Result<Option<Frame>, LinkError> {
        Ok(self.decoder.next()?)
    }

    /// Drives the connection until something happens that its owner must see.
    ///
    /// # Errors
    /// [`LinkError`] once the link is closed, by whomever.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is lost.
    pub async fn next(&mut self) -> Result<Event, LinkError> {
        // The budget of the runtime would end inside the loop and turn every poll into a wake-up;
        // the loop has bounds of its own.
        tokio::task::unconstrained(std::future::poll_fn(|cx| self.poll_next(cx))).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, LinkError>> {
        if self.batches >= BATCHES {
            self.batches = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let shared = self.handle.shared.clone();
        shared.signal.enter(cx.waker());
        let waker = self.waker.clone();
        let turn = self.turn(&mut Context::from_waker(&waker));
        let unseen = shared.signal.leave();
        match turn {
            Poll::Ready(event) => {
                self.batches += 1;
                Poll::Ready(event)
            }
            Poll::Pending => {
                self.batches = 0;
                if unseen {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, LinkError>> {
        for _ in 0..ROUNDS {
            self.handle.shared.signal.take_note();
            if let Poll::Ready(Err(reason)) = self.poll_write(cx) {
                return Poll::Ready(Err(reason.into()));
            }
            if let Poll::Ready(Err(error)) = self.poll_opens(cx) {
                return Poll::Ready(Err(lost(error).into()));
            }
            match self.mux.poll_accept(cx) {
                Poll::Ready(Ok(raw)) => return Poll::Ready(Ok(self.accepted(raw))),
                Poll::Ready(Err(error)) => {
                    // What came before the end is still delivered.
                    if let Poll::Ready(Some(Ok(packet))) = Pin::new(&mut self.lane).poll_next(cx) {
                        self.decoder.push(packet_bytes(packet));
                        return Poll::Ready(Ok(Event::Frames));
                    }
                    return Poll::Ready(Err(lost(error).into()));
                }
                Poll::Pending => {}
            }
            match Pin::new(&mut self.lane).poll_next(cx) {
                Poll::Ready(Some(Ok(packet))) => {
                    self.decoder.push(packet_bytes(packet));
                    return Poll::Ready(Ok(Event::Frames));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(lost(error).into())),
                Poll::Ready(None) => return Poll::Ready(Err(CloseReason::Peer.into())),
                Poll::Pending => {}
            }
            if !self.handle.shared.signal.take_note() {
                break;
            }
            // Kept for the case that this was the last round.
            self.handle.shared.signal.notify();
        }
        if let Poll::Ready(Err(error)) = self.mux.poll_flush(cx) {
            return Poll::Ready(Err(lost(error).into()));
        }
        Poll::Pending
    }

    fn accepted(&mut self, raw: RawStream) -> Event {
        let shared = &self.handle.shared;
        match StreamSlot::take(&shared.streams, shared.config.max_streams) {
            Some(slot) => Event::Stream(MuxStream::new(raw, slot)),
            None => Event::ExcessStream(MuxStream::new(raw, StreamSlot::take_beyond(&shared.streams))),
        }
    }

    /// Moves the outbox onto the lane as far as the lane takes it. Ready when nothing is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        loop {
            if let Some(reason) = &self.handle.shared.outbox.lock().closed {
                return Poll::Ready(Err(reason.clone()));
            }
            ready!(self.poll_writing(cx))?;
            let mut outbox = self.handle.shared.outbox.lock();
            self.writing = outbox.take(self.handle.shared.config.outbox_soft);
            if self.writing.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Moves what was taken from the outbox onto the lane.
    fn poll_writing(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        while self.written < self.writing.len() {
            let lane = Pin::new(&mut self.lane);
            let rest = &self.writing[self.written..];
            let accepted = ready!(futures_io::AsyncWrite::poll_write(lane, cx, rest)).map_err(lost)?;
            self.written += accepted;
            self.handle.shared.written.fetch_add(accepted as u64, Ordering::Relaxed);
        }
        if self.writing.capacity() > 0 {
            buffer::recycle(std::mem::take(&mut self.writing));
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_opens(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut opens = self.handle.shared.opens.lock();
            if opens.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let raw = ready!(self.mux.poll_open(cx))?;
            if let Some(request) = opens.pop_front() {
                drop(opens);
                // If nobody waits any more the stream is dropped, and so reset.
                let _ = request.reply.send(MuxStream::new(raw, request.slot));
            }
        }
    }

    /// Ends the connection in good order: writes what is queued and what `last` appends to it, and
    /// waits until the peer's side of the connection has it. Frames that still come are dropped. The
    /// caller sets the deadline.
    ///
    /// # Errors
    /// When the connection is lost meanwhile.
    pub async fn close(
        mut self,
        last: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), CloseReason> {
        {
            let mut outbox = self.handle.shared.outbox.lock();
            if outbox.closed.is_none() {
                self.writing.extend_from_slice(&outbox.queued);
                outbox.queued.clear();
                outbox.close(CloseReason::Local);
            }
        }
        let before = self.writing.len();
        if last(&mut self.writing).is_err() {
            self.writing.truncate(before);
        }
        std::future::poll_fn(|cx| self.poll_drain(cx)).await?;
        std::future::poll_fn(|cx| {
            let closed = self.mux.poll_close(cx);
            let flushed = self.mux.poll_flush(cx);
            if let Poll::Ready(Err(error)) = flushed { Poll::Ready(Err(error)) } else { closed }
        })
        .await
        .map_err(lost)
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        while let Poll::Ready(stream) = self.mux.poll_accept(cx) {
            stream.map_err(lost)?;
        }
        while let Poll::Ready(Some(Ok(_))) = Pin::new(&mut self.lane).poll_next(cx) {}
        let written = self.poll_writing(cx)?;
        if let Poll::Ready(Err(error)) = self.mux.poll_flush(cx) {
            return Poll::Ready(Err(lost(error)));
        }
        written.map(Ok)
    }

    /// Closes the outbox, and takes back the whole frames that were queued but that the lane never
    /// accepted: their senders may try elsewhere. [`close`](Self::close) may still follow.
    #[must_use]
    pub fn take_unsent(&mut self, reason: CloseReason) -> Vec<Frame> {
        let queued = {
            let mut outbox = self.handle.shared.outbox.lock();
            outbox.close(reason);
            outbox.taken = 0;
            std::mem::take(&mut outbox.queued)
        };
        self.handle.shared.opens.lock().clear();
        let mut unsent = Vec::new();
        let rest = cut(&self.writing, self.written, &mut unsent);
        self.writing.truncate(rest);
        cut(&queued, 0, &mut unsent);
        unsent
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let shared = &self.handle.shared;
        shared.outbox.lock().close(CloseReason::Local);
        shared.opens.lock().clear();
    }
}

/// Appends the frames of `bytes` that start at `from` or behind it. Where the first of them starts.
fn cut(bytes: &[u8], from: usize, unsent: &mut Vec<Frame>) -> usize {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::copy_from_slice(bytes));
    let (mut start, mut first) = (0, bytes.len());
    while let Ok(Some(frame)) = decoder.next() {
        let len = frontier_protocol::HEADER_LEN + frame.body.len();
        if start >= from {
            first = first.min(start);
            unsent.push(frame);
        }
        start += len;
    }
    debug_assert_eq!(start, bytes.len(), "an outbox holds whole frames");
    first
}

fn mux_streams(config: &LinkConfig) -> usize {
    2 * config.max_streams as usize + 16
}

fn lost(error: io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CloseReason::Peer,
        io::ErrorKind::InvalidData => CloseReason::Protocol(error.to_string()),
        _ => CloseReason::Lost(error.to_string()),
    }
}
