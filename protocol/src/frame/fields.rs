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
