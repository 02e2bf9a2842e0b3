//! `Welcome` (0x02): the gateway took the dialler in. From here on calls work in both directions.
//!
//! Body:
//!
//! ```text
//!  version (u8) | reserved (3) | features (u32) | max frame (u32) | heartbeat ms (u32)
//!  id (u64) | epoch (u64) | max payload (u64) | tagged fields
//! ```
//!
//! `id` is the EdgeID or ServiceID of this connection, `epoch` its number among the connections of
//! that id. For a frontier `id` is its incarnation: it wants that one when it dials again.
//!
//! | tag | field | from | how often |
//! |---|---|---|---|
//! | 1 | directory time (u64), in microseconds since 1970 | frontlas | once |

use super::fields::{Reader, put_tagged};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::{Code, Epoch};
use bytes::BufMut;

const FIXED: usize = 40;
const TAG_TIME: u8 = 1;

/// What the gateway grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The version of the wire that both speak from here on.
    pub version: u8,
    /// The features that both have.
    pub features: u32,
    /// The longest frame that either may send on the lane, in bytes.
    pub max_frame: u32,
    /// The heartbeat interval, in milliseconds.
    pub heartbeat_ms: u32,
    /// The dialler's EdgeID or ServiceID.
    pub id: u64,
    /// The number of this connection of that id.
    pub epoch: Epoch,
    /// The longest payload that the gateway carries, in bytes.
    pub max_payload: u64,
    /// The directory's clock, in microseconds since 1970. Only frontlas tells it.
    pub directory_time: Option<u64>,
}

impl Welcome {
    /// Reads a `Welcome` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or the id is 0.
    pub fn parse(frame: &Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Welcome)?;
        let mut reader = Reader::new(frame);
        let version = reader.u8("version")?;
        reader.bytes(3, "reserved")?;
        let mut welcome = Self {
            version,
            features: reader.u32("features")?,
            max_frame: reader.u32("max frame")?,
            heartbeat_ms: reader.u32("heartbeat")?,
            id: reader.u64("id")?,
            epoch: Epoch(reader.u64("epoch")?),
            max_payload: reader.u64("max payload")?,
            directory_time: None,
        };
        if welcome.id == 0 {
            return Err(reader.invalid("id"));
        }
        while let Some((tag, value)) = reader.tagged()? {
            if tag == TAG_TIME {
                let time = value.try_into().map_err(|_| reader.invalid("directory time"))?;
                welcome.directory_time = Some(u64::from_be_bytes(time));
            }
        }
        Ok(welcome)
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// None in practice: the body is short.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let body_len = FIXED + self.directory_time.map_or(0, |_| 3 + 8);
        put_header(out, Kind::Welcome, Flags::default(), Code::Ok, 0, body_len)?;
        out.put_u8(self.version);
        out.put_slice(&[0; 3]);
        out.put_u32(self.features);
        out.put_u32(self.max_frame);
        out.put_u32(self.heartbeat_ms);
        out.put_u64(self.id);
        out.put_u64(self.epoch.0);
        out.put_u64(self.max_payload);
        if let Some(time) = self.directory_time {
            put_tagged(out, TAG_TIME, &time.to_be_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, refuses_other_kinds};
    use bytes::Bytes;

    fn sample() -> (Welcome, Frame) {
        let welcome = Welcome {
            version: 1,
            features: 0x8000_0001,
            max_frame: 256 * 1024,
            heartbeat_ms: 20_000,
            id: u64::MAX,
            epoch: Epoch(3),
            max_payload: 1 << 40,
            directory_time: Some(1_700_000_000_000_001),
        };
        let mut wire = Vec::new();
        welcome.encode(&mut wire).unwrap();
        (welcome, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (welcome, frame) = sample();
        assert_eq!(Welcome::parse(&frame), Ok(welcome));
    }

    #[test]
    fn the_id_0_is_refused_as_it_is_nobodys() {
        let (_, frame) = sample();
        let body = [&frame.body[..16], &[0; 8], &frame.body[24..]].concat();
        let invalid = ParseError::Invalid { kind: Kind::Welcome, field: "id" };
        assert_eq!(Welcome::parse(&Frame { body: body.into(), ..frame }), Err(invalid));
    }

    #[test]
    fn a_cut_body_is_refused() {
        let (welcome, frame) = sample();
        for cut in cuts(&frame) {
            if cut.body.len() == FIXED {
                assert_eq!(Welcome::parse(&cut), Ok(Welcome { directory_time: None, ..welcome }));
                continue;
            }
            let error = Welcome::parse(&cut).unwrap_err();
            assert!(matches!(error, ParseError::Truncated { kind: Kind::Welcome, .. }), "{error}");
        }
    }

    #[test]
    fn tagged_fields_of_a_later_version_are_passed_over_but_must_be_whole() {
        let (welcome, frame) = sample();
        let grown = [&frame.body[..], b"\x07\0\x02??"].concat();
        for len in frame.body.len()..=grown.len() {
            let whole = [frame.body.len(), grown.len()].contains(&len);
            let frame = Frame { body: Bytes::copy_from_slice(&grown[..len]), ..frame.clone() };
            assert_eq!(Welcome::parse(&frame).ok(), whole.then_some(welcome), "{len} bytes");
        }
    }

    #[test]
    fn a_time_has_8_bytes() {
        let (_, frame) = sample();
        for len in [0u8, 7, 9] {
            let time = vec![1; len.into()];
            let body = [&frame.body[..FIXED], &[TAG_TIME, 0, len], &time].concat();
            let bad = Frame { body: body.into(), ..frame.clone() };
            let invalid = ParseError::Invalid { kind: Kind::Welcome, field: "directory time" };
            assert_eq!(Welcome::parse(&bad), Err(invalid));
        }
    }

    #[test]
    fn other_kinds_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::Welcome], Welcome::parse);
    }
}
