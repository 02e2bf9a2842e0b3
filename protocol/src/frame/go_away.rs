//! `GoAway` (0x06): the sender is leaving and takes nothing new; what is in flight may end.
//!
//! Body:
//!
//! ```text
//!  grace ms (u32) | tagged fields
//! ```
//!
//! | tag | field |
//! |---|---|
//! | 1 | text for people, UTF-8 |
//!
//! Sent by a gateway before it stops, and by a dialler that closes in good order: the gateway then
//! routes nothing more to it and answers with a `GoAway` of its own behind the last frame it sent, so
//! the dialler knows that it has seen everything.

use super::fields::{Reader, put_tagged, tagged_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

const TAG_TEXT: u8 = 1;

/// A notice of leaving, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoAway<'a> {
    /// The reason: [`Code::Ok`] for a close in good order, [`Code::Draining`], [`Code::Superseded`], …
    pub code: Code,
    /// How long the sender will let what is in flight go on, in milliseconds.
    pub grace_ms: u32,
    /// The reason in words.
    pub text: &'a str,
}

impl<'a> GoAway<'a> {
    /// Reads a `GoAway` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or the text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::GoAway)?;
        let mut reader = Reader::new(frame);
        let mut go_away = Self { code: frame.code, grace_ms: reader.u32("grace")?, text: "" };
        while let Some((tag, value)) = reader.tagged()? {
            if tag == TAG_TEXT {
                go_away.text = std::str::from_utf8(value).map_err(|_| reader.invalid("text"))?;
            }
        }
        Ok(go_away)
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if the text does not fit the layout; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let body_len = 4 + tagged_len(self.text.as_bytes())?;
        put_header(out, Kind::GoAway, Flags::default(), self.code, 0, body_len)?;
        out.put_u32(self.grace_ms);
        put_tagged(out, TAG_TEXT, self.text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (GoAway<'static>, Frame) {
        let go_away = GoAway { code: Code::Draining, grace_ms: 10_000, text: "restart" };
        let mut wire = Vec::new();
        go_away.encode(&mut wire).unwrap();
        (go_away, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (go_away, frame) = sample();
        assert_eq!(GoAway::parse(&frame), Ok(go_away));
    }

    #[test]
    fn a_cut_body_is_refused_unless_it_ends_between_fields() {
        let (go_away, frame) = sample();
        for cut in cuts(&frame) {
            let expected = (cut.body.len() == 4).then_some(GoAway { text: "", ..go_away });
            assert_eq!(GoAway::parse(&cut).ok(), expected, "{} bytes", cut.body.len());
        }
    }

    #[test]
    fn unknown_tags_are_passed_over() {
        let body = b"\0\0\0\x05\xfe\0\x01?\x01\0\x02ok\xff\0\0";
        let parsed = GoAway { code: Code::Ok, grace_ms: 5, text: "ok" };
        assert_eq!(GoAway::parse(&frame(Kind::GoAway, Flags::default(), body)), Ok(parsed));
    }

    #[test]
    fn other_kinds_and_what_does_not_fit_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::GoAway], |frame| GoAway::parse(frame).map(drop));
        let bad = frame(Kind::GoAway, Flags::default(), b"\0\0\0\0\x01\0\x01\xff");
        assert_eq!(GoAway::parse(&bad), Err(ParseError::Invalid { kind: Kind::GoAway, field: "text" }));

        let text = "x".repeat(65_536);
        let mut wire = Vec::new();
        let too_long = GoAway { code: Code::Ok, grace_ms: 0, text: &text }.encode(&mut wire);
        assert_eq!((too_long, wire.len()), (Err(EncodeError::FieldTooLong(65_536)), 0));
    }
}
