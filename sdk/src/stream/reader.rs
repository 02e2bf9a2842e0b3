use super::core::{Core, End};
use super::cutter::{Cutter, Item};
use super::error::lost;
use super::message::Delivery;
use bytes::{Buf, Bytes, BytesMut};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::ReadBuf;

/// How many items are taken in one poll before other tasks get their turn.
const BUDGET: usize = 128;

/// The reading side: one ordered sequence of raw bytes and frames.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) cutter: Cutter,
    /// Raw bytes that the pump passed on its way to other frames. Bounded by `raw_buffer`.
    held: BytesMut,
    /// A message for which the inbox had no room. Nothing behind it is read.
    pub(super) parked: Option<Delivery>,
    pub(super) end: Option<End>,
}

impl Reader {
    pub(super) fn new(max_frame: usize) -> Self {
        Self { cutter: Cutter::new(max_frame), held: BytesMut::new(), parked: None, end: None }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Moves what is held into `into`.
    fn take_held(&mut self, into: &mut ReadBuf<'_>) {
        let len = self.held.len().min(into.remaining());
        into.put_slice(&self.held[..len]);
        self.held.advance(len);
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }
}

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
        for _ in 0..BUDGET {
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
        for _ in 0..BUDGET {
            if reader.end.is_some() {
                return Poll::Ready(None);
            }
            if let Some(message) = reader.parked.take()
                && let Err(message) = self.inbox.push(message)
            {
                reader.parked = Some(message);
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
