//! Frames as a server writes them, and headers as a client does (RFC 6455, 5.2).
//!
//! ```text
//!   1 byte      1 byte      0, 2 or 8 bytes   4 bytes, from clients
//!   FIN RSV op │ MASK len │ longer length   │ mask │ payload
//! ```

use bytes::Bytes;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// A broken rule, as the status of the close that tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    Protocol,
    TooLong,
}

impl Violation {
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::TooLong => 1009,
        }
    }
}

/// The header of a client's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) opcode: Opcode,
    pub(crate) is_last: bool,
    pub(crate) is_compressed: bool,
    pub(crate) mask: [u8; 4],
    pub(crate) len: u64,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, Violation> {
        Ok(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return Err(Violation::Protocol),
        })
    }

    pub(crate) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl Header {
    /// The header at the beginning of `bytes`, and its length; `None` if it is not all there.
    pub(crate) fn parse(bytes: &[u8], may_compress: bool) -> Result<Option<(Self, usize)>, Violation> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (opcode, is_last) = (Opcode::parse(first & 0x0f)?, first & 0x80 != 0);
        let is_compressed = first & 0x40 != 0;
        let may_be = may_compress && matches!(opcode, Opcode::Text | Opcode::Binary);
        let is_masked = second & 0x80 != 0;
        if first & 0x30 != 0 || (is_compressed && !may_be) || !is_masked {
            return Err(Violation::Protocol);
        }
        let (len, rest) = match second & 0x7f {
            126 => match rest.split_first_chunk::<2>() {
                Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            },
            short => (u64::from(short), rest),
        };
        if opcode.is_control() && (!is_last || len > 125) {
            return Err(Violation::Protocol);
        }
        let Some((mask, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let header = Self { opcode, is_last, is_compressed, mask: *mask, len };
        Ok(Some((header, bytes.len() - rest.len())))
    }
}

/// Writes the header of a text of this length, whole and unmasked, as servers send it.
pub(crate) fn put_header(out: &mut Vec<u8>, is_compressed: bool, len: usize) {
    out.push(if is_compressed { 0xc1 } else { 0x81 });
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ 0..=125), _) => out.push(len),
        (_, Ok(len)) => {
            out.push(126);
            out.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// A text.
pub(crate) fn text(text: &str) -> Bytes {
    let mut out = Vec::with_capacity(text.len() + 10);
    put_header(&mut out, false, text.len());
    out.extend_from_slice(text.as_bytes());
    out.into()
}

/// A control frame; of its payload 125 bytes.
pub(crate) fn control(opcode: Opcode, payload: &[u8]) -> Bytes {
    let bits = match opcode {
        Opcode::Close => 8,
        Opcode::Pong => 10,
        _ => 9,
    };
    let payload = &payload[..payload.len().min(125)];
    // At most 125.
    let len = u8::try_from(payload.len()).unwrap_or(125);
    [&[0x80 | bits, len], payload].concat().into()
}

/// A close with its status and reason.
pub(crate) fn close(status: u16, reason: &str) -> Bytes {
    control(Opcode::Close, &[&status.to_be_bytes(), reason.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_at_every_length_and_not_before_it_is_there() {
        for (len, size) in [(0, 6), (125, 6), (126, 8), (0xffff, 8), (0x1_0000, 14)] {
            let mut bytes = Vec::new();
            put_header(&mut bytes, false, len);
            bytes[1] |= 0x80;
            bytes.extend_from_slice(&[1, 2, 3, 4]);
            assert_eq!(bytes.len(), size);
            for cut in 0..size {
                assert_eq!(Header::parse(&bytes[..cut], false), Ok(None), "{len} {cut}");
            }
            let expected = Header {
                opcode: Opcode::Text,
                is_last: true,
                is_compressed: false,
                mask: [1, 2, 3, 4],
                len: len as u64,
            };
            assert_eq!(Header::parse(&bytes, false), Ok(Some((expected, size))));
        }
    }

    #[test]
    fn what_a_client_must_not_send_is_refused() {
        for (first, second, may_compress) in [
            (0x81, 0x00, false),
            (0xc1, 0x80, false),
            (0xc0, 0x80, true),
            (0xc9, 0x80, true),
            (0xa1, 0x80, true),
            (0x83, 0x80, false),
            (0x09, 0x80, false),
            (0x89, 0xfe, false),
        ] {
            let bytes = [first, second, 0, 126, 0, 0, 0, 0];
            assert_eq!(Header::parse(&bytes, may_compress), Err(Violation::Protocol), "{first:x} {second:x}");
        }
        assert!(Header::parse(&[0xc1, 0x80, 0, 0, 0, 0], true).unwrap().is_some());
    }

    #[test]
    fn a_reason_that_is_too_long_is_cut() {
        assert_eq!(close(1012, "x")[..], [0x88, 3, 3, 0xf4, b'x']);
        assert_eq!(close(1012, &"x".repeat(200)).len(), 127);
        assert_eq!(text("{}")[..], *b"\x81\x02{}");
    }
}
