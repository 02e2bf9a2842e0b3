//! Frames, RFC 6455, 5.2.
//!
//! ```text
//!   fin 1 · reserved 3 · opcode 4 | mask 1 · length 7 | length 0, 16 or 64 | mask 0 or 32 | payload
//! ```

use thiserror::Error;

/// The longest frame that is taken, in bytes.
pub(super) const MAX_FRAME: u64 = 1024 * 1024;

/// The longest payload of a control frame, in bytes.
const MAX_CONTROL: u64 = 125;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    fn parse(number: u8) -> Option<Self> {
        use Opcode::{Binary, Close, Continuation, Ping, Pong, Text};
        [Continuation, Text, Binary, Close, Ping, Pong].into_iter().find(|opcode| *opcode as u8 == number)
    }

    pub(super) fn is_control(self) -> bool {
        self as u8 >= Self::Close as u8
    }
}

/// What a peer does that it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Violation {
    #[error("a WebSocket text message: only binary ones are spoken here")]
    Text,
    #[error("a WebSocket frame of more than {MAX_FRAME} bytes")]
    TooLong,
    #[error("a WebSocket protocol violation: {0}")]
    Frame(&'static str),
}

impl Violation {
    /// The status code with which the connection is closed.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Text => 1003,
            Self::TooLong => 1009,
            Self::Frame(_) => 1002,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) last: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    /// Of the payload.
    pub(super) len: u64,
}

impl Header {
    /// The header in front, and how long it is. `None` if it is not all there.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(Violation::Frame("a reserved bit is set"));
        }
        let last = first & 0x80 != 0;
        let opcode = Opcode::parse(first & 0x0f).ok_or(Violation::Frame("an unknown opcode"))?;
        let (len, rest) = match second & 0x7f {
            126 => {
                let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from_be_bytes(*len), rest)
            }
            len => (u64::from(len), rest),
        };
        if opcode.is_control() && (!last || len > MAX_CONTROL) {
            return Err(Violation::Frame("a control frame in pieces, or too long"));
        }
        if len > MAX_FRAME {
            return Err(Violation::TooLong);
        }
        let (mask, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let Some((mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (Some(*mask), rest)
        };
        Ok(Some((Self { last, opcode, mask, len }, bytes.len() - rest.len())))
    }
}

/// Appends a frame that is a message of its own.
pub(super) fn put<'p>(
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    pieces: impl Iterator<Item = &'p [u8]> + Clone,
    out: &mut Vec<u8>,
) {
    let len: usize = pieces.clone().map(<[u8]>::len).sum();
    let masked = if mask.is_some() { 0x80 } else { 0 };
    out.push(0x80 | opcode as u8);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..126), _) => out.push(masked | len),
        (_, Ok(len)) => {
            out.push(masked | 126);
            out.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(mask.as_ref().map_or(&[], |mask| mask.as_slice()));
    let start = out.len();
    pieces.for_each(|piece| out.extend_from_slice(piece));
    if let Some(mask) = mask {
        apply(mask, &mut out[start..]);
    }
}

/// Masks, or takes the mask off.
pub(super) fn apply(mask: [u8; 4], bytes: &mut [u8]) {
    let wide = u64::from(u32::from_ne_bytes(mask));
    let wide = wide << 32 | wide;
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_round_trip_and_wait_for_all_of_their_header() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
                let mut bytes = Vec::new();
                put(Opcode::Binary, mask, payload.chunks(1000), &mut bytes);
                let (header, size) = Header::parse(&bytes).unwrap().unwrap();
                assert_eq!(header, Header { last: true, opcode: Opcode::Binary, mask, len: len as u64 });
                (0..size).for_each(|cut| assert_eq!(Header::parse(&bytes[..cut]), Ok(None)));
                if let Some(mask) = mask {
                    apply(mask, &mut bytes[size..]);
                }
                assert_eq!(&bytes[size..], payload);
            }
        }
    }

    #[test]
    fn the_frames_of_the_specification() {
        let mut hello = Vec::new();
        put(Opcode::Text, Some([0x37, 0xfa, 0x21, 0x3d]), [&b"Hello"[..]].into_iter(), &mut hello);
        assert_eq!(hello, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        let parse = |bytes: &[u8]| Header::parse(bytes).unwrap_err();
        assert_eq!(parse(&[0xc2, 0]), Violation::Frame("a reserved bit is set"));
        assert_eq!(parse(&[0x83, 0]), Violation::Frame("an unknown opcode"));
        assert_eq!(parse(&[0x8f, 0]), Violation::Frame("an unknown opcode"));
        let control = Violation::Frame("a control frame in pieces, or too long");
        assert_eq!(parse(&[0x09, 0]), control);
        assert_eq!(parse(&[0x89, 126, 0, 126]), control);
        assert_eq!(parse(&[0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 1]), Violation::TooLong);
        assert_eq!(parse(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]), Violation::TooLong);
    }
}
