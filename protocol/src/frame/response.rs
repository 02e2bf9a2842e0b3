//! `Response` (0x21): what became of a call. Its id is that of the request.
//!
//! Body:
//!
//! ```text
//!  detail (u32) | custom length (u16) | reserved (u16) | custom | payload
//! ```
//!
//! With code 0 the payload is the answer; with any other it is the error's text, UTF-8. Towards a service `custom` ends with the
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
    /// What the code leaves open, by the table in [`frame`](super).
    pub detail: u32,
    /// The custom header.
    pub custom: Custom<'a>,
    /// The answer, the error's text, or the length of the answer (4 bytes) if it is detached.
    pub payload: &'a [u8],
}

impl<'a> Response<'a> {
    /// An error with a text and no custom header.
    #[must_use]
    pub fn error(code: Code, text: &'a str) -> Self {
        Self { code, detail: 0, custom: Custom::plain(b""), payload: text.as_bytes() }
    }

    /// Reads the body of a `Response` frame.
    ///
    /// # Errors
    /// [`ParseError`] if the body is cut short.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Response)?;
        let mut reader = Reader::new(frame);
        let detail = reader.u32("detail")?;
        let custom_len = reader.u16("custom length")?;
        reader.u16("reserved")?;
        let custom = Custom::plain(reader.bytes(usize::from(custom_len), "custom")?);
        let payload = reader.rest();
        if frame.flags.has(Flags::DETACHED) && payload.len() != 4 {
            return Err(ParseError::Invalid { kind: Kind::Response, field: "detached payload length" });
        }
        Ok(Self { code: frame.code, detail, custom, payload })
    }

    /// Appends the frame with `flags` to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode_with(&self, id: u64, flags: Flags, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let custom_len = self.custom.wire_len()?;
        let body_len = FIXED + usize::from(custom_len) + self.payload.len();
        put_header(out, Kind::Response, flags, self.code, id, body_len)?;
        out.put_u32(self.detail);
        out.put_u16(custom_len);
        out.put_u16(0);
        self.custom.put(out);
        out.put_slice(self.payload);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EdgeId;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (Response<'static>, Frame) {
        let custom = Custom::plain(b"trace");
        let response =
            Response { code: Code::Application, detail: 0xdead_beef, custom, payload: b"no such file" };
        let mut wire = Vec::new();
        response.encode_with(11, Flags::default(), &mut wire).unwrap();
        (response, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (response, frame) = sample();
        assert_eq!((frame.kind, frame.id, frame.code), (Kind::Response, 11, Code::Application));
        assert_eq!(Response::parse(&frame), Ok(response));
        let error = Response::error(Code::EdgeNotOnline, "edge 7 is not online");
        let mut wire = Vec::new();
        error.encode_with(1, Flags::default(), &mut wire).unwrap();
        assert_eq!(Response::parse(&decode(&wire)), Ok(error));
    }

    #[test]
    fn the_tail_of_the_answering_edge_comes_behind_the_custom_header() {
        let (response, _) = sample();
        let tailed = Response { custom: Custom::tailed(b"trace", EdgeId(5)), ..response };
        let mut wire = Vec::new();
        tailed.encode_with(11, Flags::default(), &mut wire).unwrap();
        let frame = decode(&wire);
        let parsed = Response::parse(&frame).unwrap();
        assert_eq!(Custom::split_tail(parsed.custom.body()), Some((&b"trace"[..], EdgeId(5))));
        assert_eq!(parsed.payload, response.payload);
    }

    #[test]
    fn a_cut_body_is_refused_or_has_a_shorter_payload() {
        let (response, frame) = sample();
        let before_payload = frame.body.len() - response.payload.len();
        for cut in cuts(&frame) {
            let expected = cut.body.len().checked_sub(before_payload);
            let expected = expected.map(|len| Response { payload: &response.payload[..len], ..response });
            assert_eq!(Response::parse(&cut).ok(), expected, "{} bytes", cut.body.len());
        }
    }

    #[test]
    fn other_kinds_and_a_detached_length_of_other_than_4_bytes_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::Response], |frame| Response::parse(frame).map(drop));
        for len in 0..8 {
            let body = [0; FIXED + 8];
            let frame = frame(Kind::Response, Flags::DETACHED, &body[..FIXED + len]);
            assert_eq!(Response::parse(&frame).is_ok(), len == 4, "{len} bytes");
        }
    }
}
