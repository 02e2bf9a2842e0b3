//! The frame of every packet: a header, and a body that is not looked at yet.
//!
//! ```text
//!  0         1      2                10                    14
//! ┌─────────┬──────┬────────────────┬─────────────────────┬──────
//! │ version │ kind │ id (u64)       │ body length (u32)   │ body
//! └─────────┴──────┴────────────────┴─────────────────────┴──────
//! ```
//!
//! All numbers are big endian. The version is 1, and nobody looks at it.

use crate::{DecodeError, EncodeError, Kind};
use bytes::{Buf, Bytes, BytesMut};

/// Length of the header, in bytes.
pub const HEADER_LEN: usize = 14;

/// The longest body, in bytes: what later versions of the original take. Earlier ones have no limit.
pub const MAX_BODY: usize = 10 * 1024 * 1024;

/// How every connection of this wire begins: the version, and the kind of a client's first packet.
pub const PREFIX: [u8; 2] = [VERSION, Kind::Conn as u8];

const VERSION: u8 = 1;

/// A packet whose body is not looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// Chosen by who begins an exchange; the answer repeats it.
    pub id: u64,
    /// What is behind the header.
    pub body: Bytes,
}

/// Takes the first whole packet off `buffer`; `None` until more has come. Nothing is set aside for what has not.
///
/// # Errors
/// [`DecodeError`] as soon as the header shows that what follows is no packet, or one of more than `max` bytes.
pub fn decode(buffer: &mut BytesMut, max: usize) -> Result<Option<Frame>, DecodeError> {
    let Some(&[_, kind, a, b, c, d, e, f, g, h, w, x, y, z]) = buffer.first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let kind = Kind::from_wire(kind).ok_or(DecodeError::UnknownKind(kind))?;
    let len = u32::from_be_bytes([w, x, y, z]) as usize;
    if len > max {
        return Err(DecodeError::TooLong { len, max });
    }
    if buffer.len() < HEADER_LEN + len {
        return Ok(None);
    }
    buffer.advance(HEADER_LEN);
    let id = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    Ok(Some(Frame { kind, id, body: buffer.split_to(len).freeze() }))
}

/// Appends a packet whose body `fill` appends. If it is too long, nothing is appended.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    kind: Kind,
    id: u64,
    fill: impl FnOnce(&mut Vec<u8>),
) -> Result<(), EncodeError> {
    let start = out.len();
    out.extend_from_slice(&[VERSION, kind as u8]);
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    fill(out);
    let len = out.len() - start - HEADER_LEN;
    match u32::try_from(len) {
        Ok(short) if len <= MAX_BODY => {
            out[start + HEADER_LEN - 4..start + HEADER_LEN].copy_from_slice(&short.to_be_bytes());
            Ok(())
        }
        _ => {
            out.truncate(start);
            Err(EncodeError(len))
        }
    }
}

/// Appends a packet that can't be too long.
pub(crate) fn put(out: &mut Vec<u8>, kind: Kind, id: u64, fill: impl FnOnce(&mut Vec<u8>)) {
    if let Err(error) = encode(out, kind, id, fill) {
        unreachable!("some bytes always fit: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_whole_or_not_at_all() {
        let mut wire = Vec::new();
        encode(&mut wire, Kind::Raw, 0x0102, |out| out.extend_from_slice(b"12345678abc")).unwrap();
        for len in 0..wire.len() {
            let mut cut = BytesMut::from(&wire[..len]);
            assert_eq!(decode(&mut cut, MAX_BODY), Ok(None), "{len} bytes");
            assert_eq!(cut.len(), len, "nothing of it was taken");
        }
        wire.extend_from_slice(&[1, 0x21]);
        let mut buffer = BytesMut::from(&wire[..]);
        let frame = decode(&mut buffer, MAX_BODY).unwrap().unwrap();
        assert_eq!((frame.kind, frame.id, &frame.body[..]), (Kind::Raw, 0x0102, &b"12345678abc"[..]));
        assert_eq!(&buffer[..], [1, 0x21], "what is behind it is left");
    }

    #[test]
    fn what_is_no_packet_shows_in_the_header() {
        let header = |kind: u8, len: u32| {
            let mut header = [0; HEADER_LEN];
            (header[0], header[1]) = (1, kind);
            header[10..].copy_from_slice(&len.to_be_bytes());
            BytesMut::from(&header[..])
        };
        assert_eq!(decode(&mut header(0x99, 0), MAX_BODY), Err(DecodeError::UnknownKind(0x99)));
        let long = DecodeError::TooLong { len: u32::MAX as usize, max: MAX_BODY };
        assert_eq!(decode(&mut header(0x61, u32::MAX), MAX_BODY), Err(long));
        assert_eq!(decode(&mut header(0x61, 10 * 1024 * 1024), MAX_BODY), Ok(None));
    }

    #[test]
    fn a_packet_over_the_limit_is_not_written() {
        let mut out = b"before".to_vec();
        let error = encode(&mut out, Kind::Raw, 1, |out| out.resize(out.len() + MAX_BODY + 1, 0));
        assert_eq!((error, &out[..]), (Err(EncodeError(MAX_BODY + 1)), &b"before"[..]));
    }

    #[test]
    fn kinds_have_their_numbers() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::from_wire(kind as u8), Some(kind));
        }
        assert_eq!((Kind::ALL.len(), Kind::from_wire(0)), (18, None));
    }
}
