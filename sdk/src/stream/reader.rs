//! What was read off a stream and not handed on yet.

use super::cutter::Cutter;
use super::end::End;
use super::inbox::Delivery;
use bytes::{Buf, BytesMut};
use tokio::io::ReadBuf;

/// The reading side: one ordered sequence of raw bytes and frames.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) cutter: Cutter,
    /// Raw bytes that the pump passed on its way to other frames. Bounded by `raw_buffer`.
    pub(super) held: BytesMut,
    /// A message for which the inbox had no room. Nothing behind it is read.
    pub(super) undelivered: Option<Delivery>,
    pub(super) end: Option<End>,
}

impl Reader {
    pub(super) fn new(max_frame: usize) -> Self {
        Self { cutter: Cutter::new(max_frame), held: BytesMut::new(), undelivered: None, end: None }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Moves what is held into `into`.
    pub(super) fn take_held(&mut self, into: &mut ReadBuf<'_>) {
        let len = self.held.len().min(into.remaining());
        into.put_slice(&self.held[..len]);
        self.held.advance(len);
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }
}
