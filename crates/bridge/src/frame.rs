//! A message as it goes out: encoded once, whoever reads it.

use crate::deflate::{Deflater, TAIL, stored};
use crate::websocket::put_header;
use bytes::{BufMut as _, Bytes};
use flate2::Crc;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

/// Shorter ones are not compressed: it would gain little.
const MIN_COMPRESSED: usize = 256;

/// The room for the longest header of a WebSocket frame.
const MAX_HEADER: usize = 10;

/// A piece of a gzip stream, with the checksum of what is in it.
#[derive(Debug)]
pub(crate) struct GzipBlock {
    pub(crate) bytes: Bytes,
    pub(crate) crc: Crc,
}

/// A message with its number. What it looks like on each way is made when the first subscriber needs it, and shared.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) number: u64,
    pub(crate) key: Arc<str>,
    /// A WebSocket frame; the text stands behind its header.
    websocket: Bytes,
    text_at: usize,
    deflated: OnceLock<Bytes>,
    event: OnceLock<Bytes>,
    event_block: OnceLock<GzipBlock>,
}

impl Frame {
    /// Of a text that was written behind the [`room`](Self::room) for a header.
    pub(crate) fn new(number: u64, key: Arc<str>, mut text: Vec<u8>) -> Self {
        let len = text.len() - MAX_HEADER;
        let mut header = Vec::with_capacity(MAX_HEADER);
        put_header(&mut header, false, len);
        let start = MAX_HEADER - header.len();
        text[start..MAX_HEADER].copy_from_slice(&header);
        text.shrink_to_fit();
        Self {
            number,
            key,
            websocket: Bytes::from(text).slice(start..),
            text_at: header.len(),
            deflated: OnceLock::new(),
            event: OnceLock::new(),
            event_block: OnceLock::new(),
        }
    }

    /// Where a text is to be written that becomes a frame.
    pub(crate) fn room() -> Vec<u8> {
        vec![0; MAX_HEADER]
    }

    /// The memory that it takes, as it is counted against bounds: without what it looks like on other ways.
    pub(crate) fn size(&self) -> usize {
        self.websocket.len() + self.key.len() + size_of::<Self>()
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.websocket[self.text_at..]
    }

    /// As a WebSocket frame.
    pub(crate) fn websocket(&self) -> Bytes {
        self.websocket.clone()
    }

    /// The same for who takes compressed ones; the plain one where that is no longer.
    pub(crate) fn deflated(&self, deflater: &Deflater) -> Bytes {
        let make = || {
            if self.text().len() < MIN_COMPRESSED {
                return self.websocket();
            }
            let block = deflater.block(self.text());
            let payload = block.strip_suffix(&TAIL).unwrap_or(&block);
            let mut frame = Vec::with_capacity(payload.len() + MAX_HEADER);
            put_header(&mut frame, true, payload.len());
            frame.put_slice(payload);
            if frame.len() < self.websocket.len() { frame.into() } else { self.websocket() }
        };
        self.deflated.get_or_init(make).clone()
    }

    /// As an event, by its position in this epoch.
    pub(crate) fn event(&self, epoch: &str) -> Bytes {
        let make = || {
            let mut event = String::with_capacity(self.text().len() + 64);
            // Writing to memory does not fail.
            let _ = write!(event, "id: {epoch}-{}\ndata: ", self.number);
            let mut event = event.into_bytes();
            event.extend_from_slice(self.text());
            event.extend_from_slice(b"\n\n");
            event.into()
        };
        self.event.get_or_init(make).clone()
    }

    /// The same as a piece of any gzip stream.
    pub(crate) fn event_block(&self, epoch: &str, deflater: &Deflater) -> &GzipBlock {
        self.event_block.get_or_init(|| {
            let event = self.event(epoch);
            let is_long = event.len() >= MIN_COMPRESSED;
            GzipBlock::new(&event, |event| if is_long { deflater.block(event) } else { stored(event) })
        })
    }
}

impl GzipBlock {
    pub(crate) fn new(text: &[u8], encode: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        let mut crc = Crc::new();
        crc.update(text);
        Self { bytes: encode(text).into(), crc }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Frame {
        let mut room = Frame::room();
        room.extend_from_slice(text.as_bytes());
        Frame::new(5, "k".into(), room)
    }

    #[test]
    fn each_way_has_its_form_and_shares_it() {
        let (deflater, long) = (Deflater::new(), "abc".repeat(200));
        let frame = frame(&long);
        assert_eq!(frame.websocket()[..4], [0x81, 126, 2, 88]);
        assert_eq!((frame.text(), frame.websocket().len()), (long.as_bytes(), 604));
        let deflated = frame.deflated(&deflater);
        assert!(deflated[0] == 0xc1 && deflated.len() < 100);
        assert_eq!(frame.event("e"), format!("id: e-5\ndata: {long}\n\n"));
        assert!(frame.event_block("e", &deflater).bytes.len() < 100);
        assert_eq!(frame.deflated(&deflater).as_ptr(), deflated.as_ptr());
        assert_eq!(frame.event("e").as_ptr(), frame.event("other").as_ptr());
    }

    #[test]
    fn what_is_short_or_does_not_shrink_stays_plain() {
        let deflater = Deflater::new();
        let noise: String = std::iter::repeat_with(|| rand::random_range('!'..='~')).take(300).collect();
        for text in ["{}", &noise] {
            let frame = frame(text);
            let plain = frame.websocket();
            let deflated = frame.deflated(&deflater);
            assert!(deflated.len() <= plain.len());
            assert!(text.len() > 100 || deflated == plain);
        }
        assert_eq!(frame("{}").websocket()[..], *b"\x81\x02{}");
    }
}
