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
