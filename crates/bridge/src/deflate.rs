//! Compression of each message by itself, so that all who read it share the result.
//!
//! A block refers to nothing before it. So it is the payload of a WebSocket message without context takeover (RFC 7692,
//! 7.2.1) as well as a piece of any DEFLATE stream (RFC 1951) at a byte boundary, such as the one within gzip.

use flate2::{Compress, Compression, FlushCompress, Status};
use parking_lot::Mutex;

/// What ends a block: an empty stored block, cut off where WebSocket says so.
pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The most that a stored block holds (RFC 1951, 3.2.4).
const MAX_STORED: usize = 0xffff;

/// Compresses one text after the other.
#[derive(Debug)]
pub(crate) struct Deflater(Mutex<Compress>);

impl Deflater {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Compress::new(Compression::fast(), false)))
    }

    /// The text as a block that ends with [`TAIL`].
    pub(crate) fn block(&self, text: &[u8]) -> Vec<u8> {
        let mut compress = self.0.lock();
        compress.reset();
        let mut out = Vec::with_capacity(text.len() / 2 + 64);
        loop {
            let rest = usize::try_from(compress.total_in()).unwrap_or(usize::MAX).min(text.len());
            let before = out.len();
            let status = compress.compress_vec(&text[rest..], &mut out, FlushCompress::Sync);
            let is_read = compress.total_in() == text.len() as u64;
            // It has written all once it leaves room.
            if is_read && out.len() < out.capacity() && out.ends_with(&TAIL) {
                return out;
            }
            if !matches!(status, Ok(Status::Ok | Status::BufError))
                || (out.len() == before && out.len() < out.capacity())
            {
                return stored(text);
            }
            out.reserve(out.len().max(256));
        }
    }
}

/// The text as blocks that are not compressed.
pub(crate) fn stored(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    for chunk in text.chunks(MAX_STORED) {
        // At most 65,535.
        let len = u16::try_from(chunk.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Decompress, FlushDecompress};
    use proptest::prelude::*;

    fn inflate(blocks: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 << 20);
        Decompress::new(false).decompress_vec(blocks, &mut out, FlushDecompress::Sync).unwrap();
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn blocks_of_either_kind_are_one_stream_together(texts in prop::collection::vec("[a-f\"{}]{0,900}", 1..8)) {
            let (deflater, mut stream) = (Deflater::new(), Vec::new());
            for (index, text) in texts.iter().enumerate() {
                let block = if index % 3 == 2 { stored(text.as_bytes()) } else { deflater.block(text.as_bytes()) };
                stream.extend(block);
            }
            prop_assert_eq!(inflate(&stream), texts.concat().into_bytes());
        }
    }

    #[test]
    fn what_repeats_itself_gets_short_and_what_is_long_stays_whole() {
        let deflater = Deflater::new();
        let text = r#"{"temperature":21.5},"#.repeat(1000);
        let block = deflater.block(text.as_bytes());
        assert!(block.len() < text.len() / 10 && block.ends_with(&TAIL), "{}", block.len());
        assert_eq!(inflate(&block), text.as_bytes());
        let noise: Vec<u8> = std::iter::repeat_with(rand::random).take(200_000).collect();
        assert_eq!(inflate(&deflater.block(&noise)), noise);
        assert_eq!(inflate(&stored(&noise)), noise);
        assert_eq!(inflate(&deflater.block(b"")), b"");
    }
}
