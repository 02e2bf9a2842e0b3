//! `Data` (0x50): raw bytes inside a user stream, and nowhere else.
//!
//! The body is the bytes. A writer may cut its bytes as it likes: the boundaries mean nothing.
//!
//! With [`Flags::END`] the bytes are the sender's last: its half of the stream is over, in good order.
//! A mux stream that ends without it was reset, or its connection was lost, and the reader must not
//! take what it has for the whole.

use super::{EncodeError, Flags, HEADER_LEN, Kind, put_header};
use crate::Code;

/// How many bytes a `Data` frame adds to its payload.
pub const DATA_OVERHEAD: usize = HEADER_LEN;

/// The header of a `Data` frame with `len` bytes.
///
/// # Errors
/// [`EncodeError::PayloadTooLong`] from 4 GiB on.
pub fn data_header(len: usize) -> Result<[u8; HEADER_LEN], EncodeError> {
    let mut header = [0; HEADER_LEN];
    put_header(&mut header.as_mut_slice(), Kind::Data, Flags::default(), Code::Ok, 0, len)?;
    Ok(header)
}

/// The frame that ends the sender's half of a stream in good order.
#[must_use]
pub fn data_end() -> [u8; HEADER_LEN] {
    let mut frame = [0; HEADER_LEN];
    if let Err(error) = put_header(&mut frame.as_mut_slice(), Kind::Data, Flags::END, Code::Ok, 0, 0) {
        unreachable!("an empty body always fits: {error}");
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::decode;

    #[test]
    fn round_trip() {
        let wire = [&data_header(3).unwrap()[..], b"abc"].concat();
        let frame = decode(&wire);
        assert_eq!((frame.kind, frame.flags, frame.id), (Kind::Data, Flags::default(), 0));
        assert_eq!(frame.body, &b"abc"[..]);
    }

    #[test]
    fn the_end_has_a_flag_and_no_bytes() {
        let frame = decode(&data_end());
        assert_eq!((frame.kind, frame.flags), (Kind::Data, Flags::END));
        assert!(frame.body.is_empty());
    }

    #[test]
    fn a_length_that_the_header_cannot_hold_is_refused() {
        let most = u32::MAX as usize - 12;
        assert_eq!(data_header(most).unwrap()[..4], [0xff; 4]);
        assert_eq!(data_header(most + 1), Err(EncodeError::PayloadTooLong(most + 1)));
    }
}
