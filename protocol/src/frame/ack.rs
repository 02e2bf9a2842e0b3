//! `Ack` (0x11): what became of a message. Its id is that of the `Publish`.
//!
//! The header's code says how it went. Body:
//!
//! ```text
//!  detail (u32) | the error's text, UTF-8, empty when all is well
//! ```

use super::fields::Reader;
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

/// What became of a message, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// How it went.
    pub code: Code,
    /// What the code leaves open, by the table in [`frame`](super).
    pub detail: u32,
    /// The error's text.
    pub text: &'a str,
}

impl<'a> Ack<'a> {
    /// Reads the body of an `Ack` frame.
    ///
    /// # Errors
    /// [`ParseError`] if the body is cut short or its text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Ack)?;
        let mut reader = Reader::new(frame);
        let detail = reader.u32("detail")?;
        let text = std::str::from_utf8(reader.rest())
            .map_err(|_| ParseError::Invalid { kind: Kind::Ack, field: "text" })?;
        Ok(Self { code: frame.code, detail, text })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if the text does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_header(out, Kind::Ack, Flags::default(), self.code, id, 4 + self.text.len())?;
        out.put_u32(self.detail);
        out.put_slice(self.text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (Ack<'static>, Frame) {
        let ack = Ack { code: Code::Application, detail: 404, text: "no such söund" };
        let mut wire = Vec::new();
        ack.encode(7, &mut wire).unwrap();
        (ack, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (ack, frame) = sample();
        assert_eq!((frame.id, frame.flags), (7, Flags::default()));
        assert_eq!(Ack::parse(&frame), Ok(ack));
    }

    #[test]
    fn a_cut_body_is_refused_or_has_a_shorter_text() {
        let (ack, frame) = sample();
        for cut in cuts(&frame) {
            match (cut.body.len().checked_sub(4), Ack::parse(&cut)) {
                (None, Err(error)) => {
                    assert_eq!(error, ParseError::Truncated { kind: Kind::Ack, field: "detail" });
                }
                (Some(len), Ok(shorter)) => assert_eq!(shorter.text, &ack.text[..len]),
                (Some(len), Err(_)) => assert!(!ack.text.is_char_boundary(len)),
                (None, Ok(_)) => panic!("{} bytes were enough", cut.body.len()),
            }
        }
    }

    #[test]
    fn other_kinds_and_a_text_that_is_not_utf8_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::Ack], |frame| Ack::parse(frame).map(drop));
        let bad = frame(Kind::Ack, Flags::default(), b"\0\0\0\0\xff");
        assert_eq!(Ack::parse(&bad), Err(ParseError::Invalid { kind: Kind::Ack, field: "text" }));
    }
}
