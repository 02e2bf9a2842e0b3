//! The header with which each frame starts.
//!
//! ```text
//!   0        1        2                 4                                   8                                   12
//!   ┌────────┬────────┬─────────────────┬───────────────────────────────────┬───────────────────────────────────┐
//!   │ version│ type   │ flags           │ stream                            │ length                            │
//!   └────────┴────────┴─────────────────┴───────────────────────────────────┴───────────────────────────────────┘
//! ```
//!
//! All of it in network order. The length is that of the body of a data frame, the credit of a window update, the value
//! of a ping, the code of a GoAway; only data frames have a body.

use crate::Violation;
use std::ops::BitOr;

/// Length of a header, in bytes.
pub const HEADER_LEN: usize = 12;

/// Where the length stands in a header.
const LENGTH_AT: usize = 8;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of a stream.
    Data,
    /// Credit for a stream.
    WindowUpdate,
    /// A question whether the peer is there, or the answer to it.
    Ping,
    /// No more streams, or the end for an error.
    GoAway,
}

/// What a frame means besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Opens a stream; asks, on a ping.
    pub const SYN: Self = Self(1);
    /// Acknowledges a stream; answers, on a ping.
    pub const ACK: Self = Self(2);
    /// Ends the sender's half of a stream.
    pub const FIN: Self = Self(4);
    /// Ends both halves of a stream, which is given up.
    pub const RST: Self = Self(8);

    /// Whether all of `other` are among these.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub kind: Kind,
    /// What it means besides.
    pub flags: Flags,
    /// Of which stream; 0 for the connection.
    pub stream: u32,
    /// By `kind`: length, credit, value or code.
    pub length: u32,
}

impl Header {
    /// The header of a data frame.
    #[must_use]
    pub fn data(flags: Flags, stream: u32, length: u32) -> Self {
        Self { kind: Kind::Data, flags, stream, length }
    }

    /// A window update.
    #[must_use]
    pub fn window_update(flags: Flags, stream: u32, credit: u32) -> Self {
        Self { kind: Kind::WindowUpdate, flags, stream, length: credit }
    }

    /// A ping, or with [`Flags::ACK`] the answer to one.
    #[must_use]
    pub fn ping(flags: Flags, value: u32) -> Self {
        Self { kind: Kind::Ping, flags, stream: 0, length: value }
    }

    /// The end of the session.
    #[must_use]
    pub fn go_away(code: u32) -> Self {
        Self { kind: Kind::GoAway, flags: Flags::NONE, stream: 0, length: code }
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn encode(self) -> [u8; HEADER_LEN] {
        let kind = match self.kind {
            Kind::Data => 0,
            Kind::WindowUpdate => 1,
            Kind::Ping => 2,
            Kind::GoAway => 3,
        };
        let [f0, f1] = self.flags.0.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [0, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3]
    }

    /// Reads a header. Flags that mean nothing are kept.
    ///
    /// # Errors
    /// [`Violation`] for another version or an unknown type.
    pub fn decode(bytes: [u8; HEADER_LEN]) -> Result<Self, Violation> {
        let [version, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = bytes;
        if version != 0 {
            return Err(Violation::Version(version));
        }
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::WindowUpdate,
            2 => Kind::Ping,
            3 => Kind::GoAway,
            other => return Err(Violation::Kind(other)),
        };
        let flags = Flags(u16::from_be_bytes([f0, f1]));
        let stream = u32::from_be_bytes([s0, s1, s2, s3]);
        Ok(Self { kind, flags, stream, length: u32::from_be_bytes([l0, l1, l2, l3]) })
    }
}

/// Sets the length in the header that starts at `at`.
pub(crate) fn set_length(frames: &mut [u8], at: usize, length: u32) {
    frames[at + LENGTH_AT..at + HEADER_LEN].copy_from_slice(&length.to_be_bytes());
}

/// How long the data frame is with which `frames` starts, its header included. Only for frames that were made here.
pub(crate) fn frame_len(frames: &[u8]) -> usize {
    let Some(&[_, _, _, _, _, _, _, _, a, b, c, d]) = frames.first_chunk() else { return frames.len() };
    let length = u32::from_be_bytes([a, b, c, d]);
    usize::try_from(length).map_or(frames.len(), |length| (HEADER_LEN + length).min(frames.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let golden = [
            (Header::data(Flags::SYN, 1, 0x0102), [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 2]),
            (Header::data(Flags::FIN, 0x0102_0304, 0), [0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0]),
            (Header::data(Flags::RST, 2, 0), [0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 0]),
            (Header::window_update(Flags::ACK, 3, 0), [0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0]),
            (Header::window_update(Flags::NONE, 3, 256 * 1024), [0, 1, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0]),
            (Header::ping(Flags::SYN, 7), [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7]),
            (Header::ping(Flags::ACK, 7), [0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7]),
            (Header::go_away(1), [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ];
        for (header, bytes) in golden {
            assert_eq!(header.encode(), bytes);
            assert_eq!(Header::decode(bytes), Ok(header));
        }
    }

    #[test]
    fn other_versions_and_types_are_refused() {
        let ping = Header::ping(Flags::SYN, 1).encode();
        let with = |at: usize, byte| {
            let mut bytes = ping;
            bytes[at] = byte;
            Header::decode(bytes)
        };
        assert_eq!(with(0, 1), Err(Violation::Version(1)));
        assert_eq!(with(1, 4), Err(Violation::Kind(4)));
    }

    #[test]
    fn a_header_can_be_mended_where_it_stands() {
        let mut frames = [&[9][..], &Header::data(Flags::SYN, 5, 1).encode()].concat();
        set_length(&mut frames, 1, 77);
        assert_eq!(frames[1..], Header::data(Flags::SYN, 5, 77).encode());
    }
}
