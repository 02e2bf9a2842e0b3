//! `Hello` (0x01): the first frame of a dialler on the lane.
//!
//! ```text
//! dialler ── Hello ──▶ gateway
//! dialler ◀─ Welcome ─ gateway      or ◀─ Reject, and the connection ends
//! ```
//!
//! Body:
//!
//! ```text
//!  magic "FRTR" | lowest version (u8) | highest version (u8) | role (u8) | reserved (u8)
//!  features (u32) | max frame (u32) | heartbeat ms (u32) | wanted id (u64) | tagged fields
//! ```
//!
//! | tag | field | who | how often |
//! |---|---|---|---|
//! | 1 | name, UTF-8 | service | once |
//! | 2 | topic, UTF-8 | service | any number |
//! | 3 | meta, opaque bytes | both | at most once |
//!
//! `max frame` is the longest frame on the lane that the dialler takes; `heartbeat` is the interval
//! that it would like, 0 for the gateway's. A wanted id of 0 leaves the choice to the gateway.

use super::fields::{Reader, put_tagged, tagged_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::{Code, Role};
use bytes::BufMut;

const MAGIC: [u8; 4] = *b"FRTR";
const FIXED: usize = 28;
const TAG_NAME: u8 = 1;
const TAG_TOPIC: u8 = 2;
const TAG_META: u8 = 3;

/// What a dialler says of itself, borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Lowest and highest version of the wire that it speaks.
    pub versions: (u8, u8),
    /// What it is.
    pub role: Role,
    /// Features that it has, a bit each. None are defined yet.
    pub features: u32,
    /// The longest frame that it takes on the lane, in bytes.
    pub max_frame: u32,
    /// The heartbeat interval that it would like, in milliseconds; 0 for none in particular.
    pub heartbeat_ms: u32,
    /// The id that it would like; 0 for none in particular.
    pub id: u64,
    /// A service's name; empty for an edge.
    pub name: &'a str,
    /// The topics that a service takes from the start.
    pub topics: Vec<&'a str>,
    /// Opaque bytes for the service that gives out ids.
    pub meta: &'a [u8],
}

impl<'a> Hello<'a> {
    /// Reads a `Hello` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the magic or the role is wrong, or the body is cut short.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Hello)?;
        let mut reader = Reader::new(frame);
        if reader.bytes(MAGIC.len(), "magic")? != MAGIC {
            return Err(reader.invalid("magic"));
        }
        let versions = (reader.u8("version")?, reader.u8("version")?);
        let role = Role::from_wire(reader.u8("role")?).ok_or_else(|| reader.invalid("role"))?;
        reader.u8("reserved")?;
        let mut hello = Self {
            versions,
            role,
            features: reader.u32("features")?,
            max_frame: reader.u32("max frame")?,
            heartbeat_ms: reader.u32("heartbeat")?,
            id: reader.u64("wanted id")?,
            name: "",
            topics: Vec::new(),
            meta: &[],
        };
        let text =
            |value| std::str::from_utf8(value).map_err(|_| ParseError::NameNotUtf8 { kind: Kind::Hello });
        while let Some((tag, value)) = reader.tagged()? {
            match tag {
                TAG_NAME => hello.name = text(value)?,
                TAG_TOPIC => hello.topics.push(text(value)?),
                TAG_META => hello.meta = value,
                _ => {}
            }
        }
        Ok(hello)
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let mut body_len = FIXED + tagged_len(self.name.as_bytes())? + tagged_len(self.meta)?;
        for topic in &self.topics {
            body_len += tagged_len(topic.as_bytes())?;
        }
        put_header(out, Kind::Hello, Flags::default(), Code::Ok, 0, body_len)?;
        out.put_slice(&MAGIC);
        out.put_u8(self.versions.0);
        out.put_u8(self.versions.1);
        out.put_u8(self.role.to_wire());
        out.put_u8(0);
        out.put_u32(self.features);
        out.put_u32(self.max_frame);
        out.put_u32(self.heartbeat_ms);
        out.put_u64(self.id);
        put_tagged(out, TAG_NAME, self.name.as_bytes());
        put_tagged(out, TAG_META, self.meta);
        for topic in &self.topics {
            put_tagged(out, TAG_TOPIC, topic.as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
