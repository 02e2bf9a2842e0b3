//! Reading a stream: raw bytes for who asks for them, frames to whom they concern.

use super::core::Core;
use super::cutter::Item;
use super::end::End;
use super::error::lost;
use super::reader::Reader;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::ReadBuf;

/// How many items are taken in one poll before other tasks get their turn.
const MAX_ITEMS_PER_POLL: usize = 128;

impl Core {
    /// Reads raw bytes, straight from what came if the pump does not hold any.
    pub(super) fn poll_read(
        self: &Arc<Self>,
        cx: &Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.readable.poll(cx, |cx| {
            let mut reader = self.reader.lock();
            let before = into.filled().len();
            if !reader.held.is_empty() {
                let was_full = reader.held.len() >= self.config.raw_buffer;
                reader.take_held(into);
                if was_full {
                    self.readable.wake_pump();
                }
            }
            while into.remaining() > 0 {
                match self.poll_data(&mut reader, cx, into.remaining()) {
                    Poll::Ready(Some(data)) => into.put_slice(&data),
                    Poll::Ready(None) | Poll::Pending if into.filled().len() > before => break,
                    Poll::Ready(None) => {
                        return Poll::Ready(reader.end.as_ref().map_or_else(|| Err(lost()), End::to_io));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Reads for those who wait for frames. Ready when no more will come.
    pub(super) fn poll_pump(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut reader = self.reader.lock();
        for _ in 0..MAX_ITEMS_PER_POLL {
            let room = self.config.raw_buffer.saturating_sub(reader.held.len());
            if room == 0 && reader.end.is_none() {
                return Poll::Pending;
            }
            match self.poll_data(&mut reader, cx, room) {
                Poll::Ready(Some(data)) => {
                    reader.held.extend_from_slice(&data);
                    self.readable.wake_waiting();
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The next raw bytes, `room` at most; `None` at the end. Frames on the way are dispatched.
    fn poll_data(
        self: &Arc<Self>,
        reader: &mut Reader,
        cx: &mut Context<'_>,
        room: usize,
    ) -> Poll<Option<Bytes>> {
        for _ in 0..MAX_ITEMS_PER_POLL {
            if reader.end.is_some() {
                return Poll::Ready(None);
            }
            if let Some(message) = reader.undelivered.take()
                && let Err(message) = self.inbox.push(message)
            {
                reader.undelivered = Some(message);
                return Poll::Pending;
            }
            let ended = match reader.cutter.next(room) {
                Ok(Some(Item::Data(data))) => return Poll::Ready(Some(data)),
                Ok(Some(Item::End)) => Err(End::Clean),
                Ok(Some(Item::Frame(frame))) => self.dispatch(reader, &frame),
                Ok(None) => match self.poll_chunk(cx) {
                    Poll::Ready(Some(chunk)) => {
                        reader.cutter.push(chunk);
                        Ok(())
                    }
                    Poll::Ready(None) => Err(End::Lost),
                    Poll::Pending => return Poll::Pending,
                },
                Err(error) => Err(End::protocol(error)),
            };
            if let Err(end) = ended {
                self.end(reader, end);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The next bytes of the mux. Its end and an error are the same here: the good end is a frame.
    fn poll_chunk(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.wire.lock().mux {
            Some(mux) => mux.poll_chunk(cx).map(|chunk| chunk.and_then(Result::ok)),
            None => Poll::Ready(None),
        }
    }
}
