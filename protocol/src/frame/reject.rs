//! `Reject` (0x03): the gateway did not take the dialler in; the connection ends.
//!
//! The header's code says why. Body:
//!
//! ```text
//!  detail (u32) | text for people, UTF-8
//! ```

use super::fields::Reader;
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

/// Why a dialler was not taken in, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject<'a> {
    /// The reason.
    pub code: Code,
    /// What the code leaves open, by the table in [`frame`](super).
    pub detail: u32,
    /// The reason in words.
    pub text: &'a str,
}

impl<'a> Reject<'a> {
    /// Reads a `Reject` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or the text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Reject)?;
        let mut reader = Reader::new(frame);
        let detail = reader.u32("detail")?;
        let text = std::str::from_utf8(reader.rest())
            .map_err(|_| ParseError::Invalid { kind: Kind::Reject, field: "text" })?;
        Ok(Self { code: frame.code, detail, text })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if the text does not fit the layout; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_header(out, Kind::Reject, Flags::default(), self.code, 0, 4 + self.text.len())?;
        out.put_u32(self.detail);
        out.put_slice(self.text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (Reject<'static>, Frame) {
        let reject = Reject { code: Code::Overloaded, detail: 1_500, text: "later" };
        let mut wire = Vec::new();
        reject.encode(&mut wire).unwrap();
        (reject, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (reject, frame) = sample();
        assert_eq!(frame.code, Code::Overloaded);
        assert_eq!(Reject::parse(&frame), Ok(reject));
    }

    #[test]
    fn a_cut_body_is_refused_or_has_a_shorter_text() {
        let (reject, frame) = sample();
        for cut in cuts(&frame) {
            let expected = match cut.body.len().checked_sub(4) {
                None => Err(ParseError::Truncated { kind: Kind::Reject, field: "detail" }),
                Some(len) => Ok(Reject { text: &reject.text[..len], ..reject }),
            };
            assert_eq!(Reject::parse(&cut), expected);
        }
    }

    #[test]
    fn other_kinds_and_a_text_that_is_not_utf8_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::Reject], |frame| Reject::parse(frame).map(drop));
        let bad = frame(Kind::Reject, Flags::default(), b"\0\0\0\0\xff");
        assert_eq!(Reject::parse(&bad), Err(ParseError::Invalid { kind: Kind::Reject, field: "text" }));
    }
}
