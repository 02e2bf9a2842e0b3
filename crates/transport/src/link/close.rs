//! How a link ends: in good order, or with what was never sent given back.

use super::{CloseReason, Link, ROUNDS};
use bytes::Bytes;
use frontier_protocol::{Decoder, EncodeError, Frame};
use std::task::{Context, Poll, ready};

impl Link {
    /// Ends the connection in good order: writes what is queued and what `last` appends to it, and
    /// waits until the peer has ended its side as well, so that nothing which is still on its way to
    /// the peer is lost. Frames that still come are dropped. The caller sets the deadline.
    ///
    /// # Errors
    /// When the connection is lost before everything was written.
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
        self.handle.shared.opens.lock().clear();
        // The peer ends the connection behind the lane's end.
        self.lane.yield_lane();
        let before = self.writing.len();
        if last(&mut self.writing).is_err() {
            self.writing.truncate(before);
        }
        std::future::poll_fn(|cx| self.poll_inside(cx, Self::poll_drain)).await?;
        std::future::poll_fn(|cx| self.mux.poll_shutdown(&mut self.lane, cx))
            .await
            .map_err(CloseReason::lost)?;
        std::future::poll_fn(|cx| self.poll_peer_end(cx)).await;
        Ok(())
    }

    /// Writes everything, what others have written to their streams included.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        for _ in 0..ROUNDS {
            self.handle.shared.signal.take_note();
            let written = self.poll_writing(cx).map_err(CloseReason::lost)?;
            while let Poll::Ready(stream) = self.mux.poll_accept(cx) {
                drop(stream.map_err(CloseReason::lost)?);
            }
            while let Poll::Ready(Some(Ok(_))) = self.lane.poll_batch(cx) {}
            if self.handle.shared.signal.has_note() {
                continue;
            }
            ready!(self.mux.poll_flush(cx));
            if !self.handle.shared.signal.has_note() {
                return written.map(Ok);
            }
        }
        let _ = self.mux.poll_flush(cx);
        Poll::Pending
    }

    /// Waits for the peer's end: that of the connection, or of the lane if the peer is closing too. An
    /// error is an end as well: all that was to be said has been.
    fn poll_peer_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(stream) = self.mux.poll_accept(cx) {
            if stream.is_err() {
                return Poll::Ready(());
            }
        }
        while let Some(Ok(_)) = ready!(self.lane.poll_batch(cx)) {}
        Poll::Ready(())
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
