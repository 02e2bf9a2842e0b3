//! A gzip stream (RFC 1952) of pieces that were compressed for all.
//!
//! Each piece refers to nothing before it, so it fits any stream; what is the subscriber's own is its checksum.

use crate::deflate::stored;
use crate::frame::GzipBlock;
use bytes::Bytes;
use flate2::Crc;

/// The stream of one subscriber.
#[derive(Debug, Default)]
pub(super) struct Gzip {
    crc: Crc,
}

impl Gzip {
    /// What it begins with: DEFLATE, no name, no time, of an unknown system.
    pub(super) fn header() -> Bytes {
        Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
    }

    /// A piece that others have too.
    pub(super) fn shared(&mut self, block: &GzipBlock) -> Bytes {
        self.crc.combine(&block.crc);
        block.bytes.clone()
    }

    /// A piece for this subscriber alone.
    pub(super) fn own(&mut self, text: &[u8]) -> Bytes {
        let block = GzipBlock::new(text, stored);
        self.shared(&block)
    }

    /// What it ends with: an empty last block, the checksum, and the length.
    pub(super) fn trailer(&self) -> Bytes {
        let (sum, len) = (self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes());
        [&[1, 0, 0, 0xff, 0xff][..], &sum, &len].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Deflater;
    use flate2::read::GzDecoder;
    use std::io::Read as _;

    #[test]
    fn pieces_of_all_kinds_are_one_stream_that_any_reader_takes() {
        let (deflater, mut gzip) = (Deflater::new(), Gzip::default());
        let shared = GzipBlock::new(&b"data: 21.5\n\n".repeat(100), |text| deflater.block(text));
        let mut stream = Gzip::header().to_vec();
        stream.extend(gzip.own(b"retry: 1\n"));
        stream.extend(gzip.shared(&shared));
        stream.extend(gzip.own(b"event: lost\n\n"));
        stream.extend(gzip.shared(&shared));
        stream.extend(gzip.trailer());
        let mut text = String::new();
        GzDecoder::new(&*stream).read_to_string(&mut text).unwrap();
        let many = "data: 21.5\n\n".repeat(100);
        assert_eq!(text, format!("retry: 1\n{many}event: lost\n\n{many}"));
    }
}
