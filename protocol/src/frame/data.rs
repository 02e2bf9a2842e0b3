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
