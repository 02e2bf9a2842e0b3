//! `Reject` (0x03): the gateway did not take the dialler in; the connection ends.
//!
//! The header's code says why, the body is a text for people, UTF-8.

use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

/// Why a dialler was not taken in, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject<'a> {
    /// The reason.
    pub code: Code,
    /// The reason in words.
    pub text: &'a str,
}

impl<'a> Reject<'a> {
    /// Reads a `Reject` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came or the text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Reject)?;
        let text = std::str::from_utf8(&frame.body)
            .map_err(|_| ParseError::Invalid { kind: Kind::Reject, field: "text" })?;
        Ok(Self { code: frame.code, text })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if the text does not fit the layout; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_header(out, Kind::Reject, Flags::default(), self.code, 0, self.text.len())?;
        out.put_slice(self.text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (Reject<'static>, Frame) {
        let reject = Reject { code: Code::Denied, text: "not you" };
        let mut wire = Vec::new();
        reject.encode(&mut wire).unwrap();
        (reject, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (reject, frame) = sample();
        assert_eq!(frame.code, Code::Denied);
        assert_eq!(Reject::parse(&frame), Ok(reject));
    }

    #[test]
    fn a_cut_body_has_a_shorter_text() {
        let (reject, frame) = sample();
        for cut in cuts(&frame) {
            assert_eq!(Reject::parse(&cut).unwrap().text, &reject.text[..cut.body.len()]);
        }
    }

    #[test]
    fn other_kinds_and_a_text_that_is_not_utf8_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::Reject], |frame| Reject::parse(frame).map(drop));
        let bad = frame(Kind::Reject, Flags::default(), b"\xff");
        assert_eq!(Reject::parse(&bad), Err(ParseError::Invalid { kind: Kind::Reject, field: "text" }));
    }
}
