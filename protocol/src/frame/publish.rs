//! `Publish` (0x10): a message.
//!
//! ```text
//! sender ── Publish ──▶ gateway ── Publish ──▶ receiver
//! sender ◀─── Ack ───── gateway ◀─── Ack ───── receiver     (only with Flags::ACKED)
//! ```
//!
//! The body is laid out as that of [`super::request`], with the topic in place of the method. From a
//! service the topic may be empty: the EdgeID tail of `custom` says where the message goes. Without
//! [`Flags::ACKED`] nobody answers, and the id is 0.

use super::request::{parse_addressed, put_addressed};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect};
use crate::Custom;
use bytes::BufMut;

/// A message, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// What is left of the sender's time, in milliseconds; 0 for the receiver's default.
    pub timeout_ms: u32,
    /// The topic's exact name.
    pub topic: &'a str,
    /// The custom header.
    pub custom: Custom<'a>,
    /// The payload, or its length (4 bytes) if it is detached.
    pub payload: &'a [u8],
}

impl<'a> Publish<'a> {
    /// Reads the body of a `Publish` frame.
    ///
    /// # Errors
    /// [`ParseError`] if the body is cut short or the topic is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Publish)?;
        let (timeout_ms, topic, custom, payload) = parse_addressed(frame)?;
        Ok(Self { timeout_ms, topic, custom, payload })
    }

    /// Appends the frame with `flags` to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode_with(&self, id: u64, flags: Flags, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_addressed(out, Kind::Publish, flags, id, self.timeout_ms, self.topic, self.custom, self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (Publish<'static>, Frame) {
        let custom = Custom::plain(b"trace");
        let publish = Publish { timeout_ms: 1_500, topic: "telemetry/é", custom, payload: b"21.5" };
        let mut wire = Vec::new();
        publish.encode_with(9, Flags::ACKED, &mut wire).unwrap();
        (publish, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (publish, frame) = sample();
        assert_eq!((frame.kind, frame.id, frame.flags), (Kind::Publish, 9, Flags::ACKED));
        assert_eq!(Publish::parse(&frame), Ok(publish));
    }

    #[test]
    fn a_cut_body_is_refused_or_has_a_shorter_payload() {
        let (publish, frame) = sample();
        let before_payload = frame.body.len() - publish.payload.len();
        for cut in cuts(&frame) {
            let expected = cut.body.len().checked_sub(before_payload);
            let expected = expected.map(|len| Publish { payload: &publish.payload[..len], ..publish });
            assert_eq!(Publish::parse(&cut).ok(), expected, "{} bytes", cut.body.len());
        }
    }

    #[test]
    fn other_kinds_and_invalid_fields_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::Publish], |frame| Publish::parse(frame).map(drop));
        let bad = frame(Kind::Publish, Flags::default(), b"\0\0\0\0\0\x01\0\0\xff");
        assert_eq!(Publish::parse(&bad), Err(ParseError::NameNotUtf8 { kind: Kind::Publish }));
        let bad = frame(Kind::Publish, Flags::DETACHED, b"\0\0\0\0\0\0\0\0\0\0\0");
        let invalid = ParseError::Invalid { kind: Kind::Publish, field: "detached payload length" };
        assert_eq!(Publish::parse(&bad), Err(invalid));
    }
}
