//! `Returned` (0x68): a frontier gives a request back to the frontier that forwarded it.
//!
//! ```text
//! frontier of the service ── Request, Publish with RETURN ──▶ frontier of the edge
//! frontier of the service ◀───────────── Returned ────────── the edge is not there
//! ```
//!
//! With [`Flags::BY_NAME`] an edge has asked, and no service takes the name there. It has the id of the request, 0 for a
//! message that nobody acks, and its body as it was:
//!
//! ```text
//!  timeout_ms (u32) | name length (u16) | custom length (u16) | name | custom | payload
//! ```
//!
//! `custom` ends with the remote caller and with the EdgeID ([`Custom::forwarded`]). So the origin gateway need not keep
//! a copy of what is on its way, and can still look for the edge, or the name, elsewhere. It is no answer to a request
//! without [`Flags::RETURN`].

use super::request::{parse_addressed, put_addressed};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect};
use crate::Custom;
use bytes::BufMut;

/// A request that comes back, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned<'a> {
    /// What was left of the deadline when it was forwarded, in milliseconds.
    pub timeout_ms: u32,
    /// The method, or the topic.
    pub name: &'a str,
    /// The custom header, with the remote caller and the tail.
    pub custom: Custom<'a>,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Returned<'a> {
    /// Reads the body of a `Returned` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or the name is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Returned)?;
        let (timeout_ms, name, custom, payload) = parse_addressed(frame)?;
        Ok(Self { timeout_ms, name, custom, payload })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        self.encode_with(id, Flags::default(), out)
    }

    /// The same with flags: [`Flags::BY_NAME`].
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode_with(&self, id: u64, flags: Flags, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let Self { timeout_ms, name, custom, payload } = *self;
        put_addressed(out, Kind::Returned, flags, id, timeout_ms, name, custom, payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EdgeId;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> Returned<'static> {
        let custom = Custom::forwarded(b"trace", b"\0\0\0\0\0\0\0\x03", EdgeId(7));
        Returned { timeout_ms: 900, name: "größe", custom, payload: b"hi" }
    }

    fn sample_frame() -> Frame {
        let mut wire = Vec::new();
        sample().encode(9, &mut wire).unwrap();
        decode(&wire)
    }

    #[test]
    fn it_is_the_question_as_it_was() {
        let Returned { timeout_ms, name, custom, payload } = sample();
        let mut asked = Vec::new();
        let request = crate::Request { timeout_ms, method: name, custom, payload };
        request.encode_with(9, Flags::RETURN, &mut asked).unwrap();
        let (asked, returned) = (decode(&asked), sample_frame());
        assert_eq!((returned.id, &returned.body), (9, &asked.body));
        let read = Returned::parse(&returned).unwrap();
        assert_eq!((read.timeout_ms, read.name, read.payload), (timeout_ms, name, payload));
        assert_eq!(read.custom.body().len(), custom.body().len() + custom.added());
    }

    #[test]
    fn a_cut_head_is_refused_and_so_are_other_kinds() {
        for cut in cuts(&sample_frame()).take(8 + "größe".len() + 23) {
            assert!(matches!(Returned::parse(&cut), Err(ParseError::Truncated { .. })), "{cut:?}");
        }
        refuses_other_kinds(&sample_frame(), &[Kind::Returned], |frame| Returned::parse(frame).map(drop));
        let bad = frame(Kind::Returned, Flags::default(), b"\0\0\0\0\0\x01\0\0\xff");
        assert_eq!(Returned::parse(&bad), Err(ParseError::NameNotUtf8 { kind: Kind::Returned }));
    }
}
