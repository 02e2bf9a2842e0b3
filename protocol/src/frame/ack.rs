//! `Ack` (0x11): what became of a message. Its id is that of the `Publish`.
//!
//! The header's code says how it went; the body is the error's text, UTF-8, empty when all is well,
//! after the application code (u32), which counts only with [`Code::Application`].

use super::fields::Reader;
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

/// What became of a message, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// How it went.
    pub code: Code,
    /// The application's own error number, with [`Code::Application`].
    pub application: u32,
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
        let application = reader.u32("application code")?;
        let text = std::str::from_utf8(reader.rest())
            .map_err(|_| ParseError::Invalid { kind: Kind::Ack, field: "text" })?;
        Ok(Self { code: frame.code, application, text })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if the text does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_header(out, Kind::Ack, Flags::default(), self.code, id, 4 + self.text.len())?;
        out.put_u32(self.application);
        out.put_slice(self.text.as_bytes());
        Ok(())
    }
}
