//! The frame: a header of 16 bytes, and the payload.
//!
//! ```text
//! 0        4        8                16
//! | length | edge   | call           | payload …
//! ```
//! Big endian. `length` is that of the payload. The relay fills in `edge` on the way to the service, which
//! copies both
//! `edge` and `call` into its answer.

use anyhow::{Result, bail};

pub(super) const HEADER: usize = 16;

/// What stands before the payload, but for its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) edge: u32,
    pub(super) call: u64,
}

/// One whole frame at the start of `bytes`, and what follows it; `None` if it isn't all there yet.
pub(super) fn split(bytes: &[u8]) -> Result<Option<(Frame<'_>, &[u8])>> {
    let Some((header, behind)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
    let [l0, l1, l2, l3, e0, e1, e2, e3, c0, c1, c2, c3, c4, c5, c6, c7] = *header;
    let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    if length > MAX_PAYLOAD {
        bail!("a frame of {length} bytes");
    }
    let address = Address {
        edge: u32::from_be_bytes([e0, e1, e2, e3]),
        call: u64::from_be_bytes([c0, c1, c2, c3, c4, c5, c6, c7]),
    };
    Ok(behind.split_at_checked(length).map(|(payload, rest)| (Frame { address, payload }, rest)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) address: Address,
    pub(super) payload: &'a [u8],
}

impl Frame<'_> {
    /// The header, with another `edge`.
    pub(super) fn header(&self, edge: u32) -> Result<[u8; HEADER]> {
        let length = u32::try_from(self.payload.len())?;
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(&length.to_be_bytes());
        header[4..8].copy_from_slice(&edge.to_be_bytes());
        header[8..].copy_from_slice(&self.address.call.to_be_bytes());
        Ok(header)
    }
}

/// Much more than the tool ever sends.
const MAX_PAYLOAD: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_apart_as_they_were_put_together() {
        let frame = Frame { address: Address { edge: 1, call: 0x0102_0304_0506_0708 }, payload: b"hello" };
        let mut bytes = frame.header(7).unwrap().to_vec();
        bytes.extend_from_slice(b"hello");
        bytes.extend_from_slice(b"next");
        let (back, rest) = split(&bytes).unwrap().unwrap();
        assert_eq!(back.address, Address { edge: 7, ..frame.address });
        assert_eq!((back.payload, rest), (&b"hello"[..], &b"next"[..]));
        for end in 0..HEADER + 5 {
            assert_eq!(split(&bytes[..end]).unwrap(), None, "{end}");
        }
    }

    #[test]
    fn an_absurd_length_is_an_error() {
        assert!(split(&[0xff; HEADER]).is_err());
    }
}
