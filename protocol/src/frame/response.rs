//! `Response` (0x21): what became of a call. Its id is that of the request.
//!
//! Body:
//!
//! ```text
//!  application code (u32) | custom length (u16) | reserved (u16) | custom | payload
//! ```
//!
//! With code 0 the payload is the answer; with any other it is the error's text, UTF-8. The
//! application code counts only with [`Code::Application`]. Towards a service `custom` ends with the
//! EdgeID of the edge that answered. [`Flags::DETACHED`] works as for `Request`.

use super::fields::Reader;
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::{Code, Custom};
use bytes::BufMut;

const FIXED: usize = 8;

/// An answer, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// How it went.
    pub code: Code,
    /// The application's own error number, with [`Code::Application`].
    pub application: u32,
    /// The custom header.
    pub custom: Custom<'a>,
    /// The answer, the error's text, or the length of the answer (4 bytes) if it is detached.
    pub payload: &'a [u8],
}

impl<'a> Response<'a> {
    /// An error with a text and no custom header.
    #[must_use]
    pub fn error(code: Code, text: &'a str) -> Self {
        Self { code, application: 0, custom: Custom::plain(b""), payload: text.as_bytes() }
    }

    /// Reads the body of a `Response` frame.
    ///
    /// # Errors
    /// [`ParseError`] if the body is cut short.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Response)?;
        let mut reader = Reader::new(frame);
        let application = reader.u32("application code")?;
        let custom_len = reader.u16("custom length")?;
        reader.u16("reserved")?;
        let custom = Custom::plain(reader.bytes(usize::from(custom_len), "custom")?);
        let payload = reader.rest();
        if frame.flags.has(Flags::DETACHED) && payload.len() != 4 {
            return Err(ParseError::Invalid { kind: Kind::Response, field: "detached payload length" });
        }
        Ok(Self { code: frame.code, application, custom, payload })
    }

    /// Appends the frame with `flags` to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode_with(&self, id: u64, flags: Flags, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let custom_len = self.custom.wire_len()?;
        let body_len = FIXED + usize::from(custom_len) + self.payload.len();
        put_header(out, Kind::Response, flags, self.code, id, body_len)?;
        out.put_u32(self.application);
        out.put_u16(custom_len);
        out.put_u16(0);
        self.custom.put(out);
        out.put_slice(self.payload);
        Ok(())
    }
}
