//! A framed, multiplexed connection, and the loop that drives it.

mod close;
pub(crate) mod handle;
mod outbox;
mod reason;
#[cfg(test)]
mod tests;

pub use reason::{CloseReason, LinkError};

use crate::buffer;
use crate::mux::{Mux, MuxStream, RawStream, Role, StreamSlot, Traffic, YamuxMux};
use frontier_protocol::{Decoder, Frame};
use handle::{LinkHandle, OpenError};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// How often one poll goes round, and so how many buffers it reads at most, before it lets other tasks
/// run.
const ROUNDS: usize = 2;

/// How many batches of frames one task poll may take before it lets other tasks run.
const BATCHES: u8 = 16;

/// Limits of a link.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// The longest frame on the lane, in bytes.
    pub max_frame: usize,
    /// Bytes in the outbox from which on requests are refused.
    pub outbox_soft: usize,
    /// Bytes in the outbox from which on the link is closed.
    pub outbox_hard: usize,
    /// Streams that may be open at once, opened by either side, the lane aside.
    pub max_streams: u32,
    /// What the receive windows of all streams together may grow by beyond 256 KiB each, in bytes.
    /// More lets a stream fill a long path; what is on its way then stands before the lane's frames.
    pub window_growth: usize,
    /// What the streams together may write while requests go over the lane, in either direction, in
    /// bytes per second; 0: as much as they can. Less leaves calls and messages more room.
    pub bulk_rate: usize,
}

impl LinkConfig {
    /// The default of [`window_growth`](Self::window_growth): keeps small frames quick beside bulk,
    /// and suffices for a local network.
    pub const WINDOW_GROWTH: usize = 128 * 1024;

    /// The default of [`bulk_rate`](Self::bulk_rate): half of what a network of 1 Gbit/s carries.
    pub const BULK_RATE: usize = 64 * 1024 * 1024;
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
    /// Why the mux has ended, while frames that came before are still delivered.
    ended: Option<CloseReason>,
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
        let mut mux = YamuxMux::new(io, Role::Client, mux_streams(&config), config.window_growth);
        let lane = std::future::poll_fn(|cx| mux.poll_open(cx)).await.map_err(CloseReason::lost)?;
        let lane = lane.ok_or(CloseReason::Peer)?;
        Ok(Self::new(Box::new(mux), lane, config))
    }

    /// The gateway's side over an established byte stream: waits for the dialler to open the lane.
    /// The caller sets the deadline.
    ///
    /// # Errors
    /// When the connection is lost meanwhile, or the peer speaks another protocol.
    pub async fn accept<T>(io: T, config: Arc<LinkConfig>) -> Result<Self, CloseReason>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut mux = YamuxMux::new(io, Role::Server, mux_streams(&config), config.window_growth);
        let lane = std::future::poll_fn(|cx| {
            let lane = mux.poll_accept(cx);
            let _ = mux.poll_flush(cx);
            lane
        });
        let lane = lane.await.map_err(CloseReason::lost)?;
        Ok(Self::new(Box::new(mux), lane, config))
    }

    /// Over a mux whose first stream is `lane`.
    pub(crate) fn new(mux: Box<dyn Mux>, lane: RawStream, config: Arc<LinkConfig>) -> Self {
        let decoder = Decoder::new(config.max_frame);
        let handle = LinkHandle::new(config);
        let waker = Waker::from(handle.shared.signal.clone());
        Self { handle, mux, lane, decoder, writing: Vec::new(), written: 0, batches: 0, ended: None, waker }
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

    /// What has come and gone so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.mux.traffic()
    }

    /// When something last came from the peer, if anything has since the last call. Over QUIC what comes on streams
    /// alone is dated at the call.
    pub fn take_heard(&mut self) -> Option<Instant> {
        self.mux.take_heard()
    }

    /// The next frame of those that have come. What it means is for the owner to know: see
    /// [`note_request`](Self::note_request).
    ///
    /// # Errors
    /// [`LinkError::Decode`] if the peer sent what is no frame.
    pub fn frame(&mut self) -> Result<Option<Frame>, LinkError> {
        Ok(self.decoder.next()?)
    }

    /// Says that a frame which has come is one that its sender waits for: while there are such frames,
    /// streams keep to [`LinkConfig::bulk_rate`]. Those that are sent are told by their
    /// [`Priority`](crate::Priority).
    pub fn note_request(&mut self) {
        self.handle.shared.streams.pace.note_received();
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
            // A peer that sends without a pause does not hold up what goes to it.
            let _ = self.poll_inside(cx, |link, cx| link.mux.poll_flush(cx));
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let turn = self.poll_inside(cx, Self::turn);
        self.batches = if turn.is_ready() { self.batches + 1 } else { 0 };
        turn
    }

    /// Polls what is inside the link with the link's own waker.
    fn poll_inside<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        self.handle.shared.signal.enter(cx.waker());
        let waker = self.waker.clone();
        let polled = poll(self, &mut Context::from_waker(&waker));
        if self.handle.shared.signal.leave() && polled.is_pending() {
            cx.waker().wake_by_ref();
        }
        polled
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, LinkError>> {
        for _ in 0..ROUNDS {
            self.handle.shared.signal.take_note();
            if let Some(reason) = &self.handle.shared.outbox.lock().closed {
                return Poll::Ready(Err(reason.clone().into()));
            }
            match self.poll_mux(cx) {
                Poll::Ready(Ok(raw)) => return Poll::Ready(Ok(self.accepted(raw))),
                Poll::Ready(Err(reason)) => self.ended = Some(reason),
                Poll::Pending => {}
            }
            match self.lane.poll_batch(cx) {
                Poll::Ready(Some(Ok(bytes))) => {
                    self.decoder.push(bytes);
                    return Poll::Ready(Ok(Event::Frames));
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(self.reason(CloseReason::lost(error)).into()));
                }
                Poll::Ready(None) => return Poll::Ready(Err(self.reason(CloseReason::Peer).into())),
                Poll::Pending => {}
            }
            if !self.handle.shared.signal.has_note() {
                break;
            }
        }
        // Whether it waits for room or fails, this will be polled again.
        let _ = self.mux.poll_flush(cx);
        Poll::Pending
    }

    /// Moves everything that the mux carries, until it has ended: what came before is still delivered.
    fn poll_mux(&mut self, cx: &mut Context<'_>) -> Poll<Result<RawStream, CloseReason>> {
        if self.ended.is_some() {
            return Poll::Pending;
        }
        if let Poll::Ready(Err(error)) = self.poll_write(cx) {
            return Poll::Ready(Err(CloseReason::lost(error)));
        }
        if let Poll::Ready(Err(error)) = self.poll_opens(cx) {
            return Poll::Ready(Err(CloseReason::lost(error)));
        }
        self.mux.poll_accept(cx).map_err(CloseReason::lost)
    }

    /// Why the mux ended, if it has, or else why the lane did.
    fn reason(&self, lane: CloseReason) -> CloseReason {
        self.ended.clone().unwrap_or(lane)
    }

    fn accepted(&mut self, raw: RawStream) -> Event {
        let shared = &self.handle.shared;
        match StreamSlot::take(&shared.streams, shared.config.max_streams) {
            Some(slot) => Event::Stream(MuxStream::new(raw, slot)),
            None => Event::ExcessStream(MuxStream::new(raw, StreamSlot::take_beyond(&shared.streams))),
        }
    }

    /// Moves the outbox onto the lane as far as the lane takes it. Ready when nothing is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_writing(cx))?;
            self.writing = self.handle.shared.outbox.lock().take(self.handle.shared.config.outbox_soft);
            if self.writing.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Moves what was taken from the outbox onto the lane.
    fn poll_writing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.writing.len() {
            let rest = &self.writing[self.written..];
            let accepted = ready!(self.lane.poll_write(cx, rest))?;
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
                let opened = raw.ok_or(OpenError::Leaving);
                let _ = request.reply.send(opened.map(|raw| MuxStream::new(raw, request.slot)));
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let shared = &self.handle.shared;
        let mut outbox = shared.outbox.lock();
        outbox.close(self.ended.take().unwrap_or(CloseReason::Local));
        // Handles may be kept for long; what nobody will write is not.
        (outbox.queued, outbox.taken) = (Vec::new(), 0);
        drop(outbox);
        shared.opens.lock().clear();
    }
}

/// Streams that the mux may hold. A stream that was dropped keeps its place in the mux until that has
/// told the peer, for which it may have to wait, so there is room for those that follow: the mux lets
/// no more than 256 of our own be unknown to the peer, once before and once behind what it waits for.
/// The rest is for the peer's excess streams.
fn mux_streams(config: &LinkConfig) -> usize {
    2 * config.max_streams as usize + 16 + 2 * 256
}
