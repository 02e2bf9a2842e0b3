//! Reading and writing the inside of frames: integers, names, and tagged fields.
//!
//! Tagged fields are how `Hello`, `Welcome` and `GoAway` grow without a new version: a tag (1 byte),
//! a length (2 bytes), the value. A reader passes over tags that it does not know.

use super::{EncodeError, Frame, Kind, ParseError};
use bytes::BufMut;

/// A cursor over the body of a frame that names the field at which the body ends too early.
pub(crate) struct Reader<'a> {
    kind: Kind,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(frame: &'a Frame) -> Self {
        Self { kind: frame.kind, rest: &frame.body }
    }

    pub(crate) fn bytes(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], ParseError> {
        let (head, rest) =
            self.rest.split_at_checked(len).ok_or(ParseError::Truncated { kind: self.kind, field })?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ParseError> {
        let (head, rest) =
            self.rest.split_first_chunk::<N>().ok_or(ParseError::Truncated { kind: self.kind, field })?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        Ok(self.array::<1>(field)?[0])
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.array(field).map(u64::from_be_bytes)
    }

    pub(crate) fn text(&mut self, len: usize, field: &'static str) -> Result<&'a str, ParseError> {
        let bytes = self.bytes(len, field)?;
        std::str::from_utf8(bytes).map_err(|_| ParseError::NameNotUtf8 { kind: self.kind })
    }

    /// The next tagged field, or `None` at the end of the body.
    pub(crate) fn tagged(&mut self) -> Result<Option<(u8, &'a [u8])>, ParseError> {
        if self.is_empty() {
            return Ok(None);
        }
        let tag = self.u8("tag")?;
        let len = self.u16("tagged field length")?;
        Ok(Some((tag, self.bytes(usize::from(len), "tagged field")?)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn invalid(&self, field: &'static str) -> ParseError {
        ParseError::Invalid { kind: self.kind, field }
    }
}

/// The length of a name as it stands in a frame.
pub(crate) fn name_len(name: &str) -> Result<u16, EncodeError> {
    u16::try_from(name.len()).map_err(|_| EncodeError::NameTooLong(name.len()))
}

/// How many bytes a tagged field takes.
pub(crate) fn tagged_len(value: &[u8]) -> Result<usize, EncodeError> {
    u16::try_from(value.len()).map_err(|_| EncodeError::FieldTooLong(value.len()))?;
    Ok(3 + value.len())
}

/// Writes a tagged field whose length [`tagged_len`] has checked.
pub(crate) fn put_tagged(out: &mut impl BufMut, tag: u8, value: &[u8]) {
    out.put_u8(tag);
    #[expect(clippy::cast_possible_truncation, reason = "tagged_len refuses more than 65535 bytes")]
    out.put_u16(value.len() as u16);
    out.put_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flags;
    use crate::frame::testing::frame;

    #[test]
    fn a_reader_names_the_field_at_which_the_body_ends() {
        let frame = frame(Kind::Welcome, Flags::default(), &[1, 2, 3]);
        let mut reader = Reader::new(&frame);
        assert_eq!(reader.u16("first"), Ok(0x0102));
        let error = ParseError::Truncated { kind: Kind::Welcome, field: "second" };
        assert_eq!(reader.u32("second"), Err(error));
        assert_eq!(reader.rest(), [3], "a field that is not there takes nothing");
    }

    #[test]
    fn tagged_fields_round_trip_up_to_their_longest() {
        let longest = vec![7; 65_535];
        let mut body = Vec::new();
        put_tagged(&mut body, 1, b"");
        put_tagged(&mut body, 2, &longest);
        assert_eq!(body.len(), tagged_len(b"").unwrap() + tagged_len(&longest).unwrap());
        let frame = frame(Kind::Hello, Flags::default(), &body);
        let mut reader = Reader::new(&frame);
        assert_eq!(reader.tagged(), Ok(Some((1, &b""[..]))));
        assert_eq!(reader.tagged(), Ok(Some((2, &longest[..]))));
        assert_eq!(reader.tagged(), Ok(None));
    }

    #[test]
    fn lengths_that_2_bytes_cannot_hold_are_refused() {
        let long = "x".repeat(65_536);
        assert_eq!(name_len(&long), Err(EncodeError::NameTooLong(65_536)));
        assert_eq!(name_len(&long[1..]), Ok(65_535));
        assert_eq!(tagged_len(long.as_bytes()), Err(EncodeError::FieldTooLong(65_536)));
    }
}
