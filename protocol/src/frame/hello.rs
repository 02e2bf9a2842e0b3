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
//! | 1 | name, UTF-8: a service's, or the id of a frontier | service, frontier | once |
//! | 2 | topic, UTF-8 | service | any number |
//! | 3 | meta, opaque bytes | edge, service | at most once |
//! | 4 | token, UTF-8: the dialler's credentials, at most 16,384 bytes | all | at most once |
//! | 5 | method, UTF-8 | service, edge | any number |
//! | 6 | where services reach it, a URL, UTF-8 | frontier | at most once |
//! | 7 | where edges reach it, a URL, UTF-8 | frontier | at most once |
//! | 8 | session: client (u64), attempt (u32), since (u64): see [`Session`] | edge, service | at most once |
//!
//! The service takes the topics and answers the methods from the moment in which it can be routed to:
//! all of them, or the gateway rejects it. The methods of an edge are looked at with
//! [`FEATURE_EDGE_METHODS`](crate::FEATURE_EDGE_METHODS) alone; an edge takes no topics.
//!
//! `max frame` is the longest frame on the lane that the dialler takes; `heartbeat` is the interval
//! that it would like, 0 for the gateway's. A wanted id of 0 leaves the choice to the gateway.
//! A frontier dials frontlas; what it wants is the incarnation that it was given before.

use super::fields::{Reader, put_tagged, tagged_len};
use super::{EncodeError, Flags, Frame, HEADER_LEN, Kind, ParseError, expect, put_header};
use crate::{Code, MAX_TOKEN, MIN_MAX_FRAME, Role, Session, Token, VERSION};
use bytes::BufMut;

const MAGIC: [u8; 4] = *b"FRTR";
const FIXED: usize = 28;
const TAG_NAME: u8 = 1;
const TAG_TOPIC: u8 = 2;
const TAG_META: u8 = 3;
const TAG_TOKEN: u8 = 4;
const TAG_METHOD: u8 = 5;
const TAG_SERVICEBOUND: u8 = 6;
const TAG_EDGEBOUND: u8 = 7;
const TAG_SESSION: u8 = 8;

/// What a dialler says of itself, borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Lowest and highest version of the wire that it speaks.
    pub versions: (u8, u8),
    /// What it is.
    pub role: Role,
    /// Features that it has, a bit each: [`FEATURE_BY_NAME`](crate::FEATURE_BY_NAME),
    /// [`FEATURE_FORWARDS`](crate::FEATURE_FORWARDS), [`FEATURE_TRACE`](crate::FEATURE_TRACE),
    /// [`FEATURE_EDGE_METHODS`](crate::FEATURE_EDGE_METHODS).
    pub features: u32,
    /// The longest frame that it takes on the lane, in bytes.
    pub max_frame: u32,
    /// The heartbeat interval that it would like, in milliseconds; 0 for none in particular.
    pub heartbeat_ms: u32,
    /// The id that it would like; 0 for none in particular.
    pub id: u64,
    /// A service's name, or the id of a frontier; empty for an edge.
    pub name: &'a str,
    /// The topics that a service takes from the start.
    pub topics: Vec<&'a str>,
    /// The methods that a service, or an edge, answers from the start.
    pub methods: Vec<&'a str>,
    /// Opaque bytes for the service that gives out ids.
    pub meta: &'a [u8],
    /// Its credentials, if it has any.
    pub token: Option<Token<'a>>,
    /// Where others reach a frontier.
    pub advertised: Advertised<'a>,
    /// Which client this is, and since when it holds its id, if it says so.
    pub session: Option<Session>,
}

/// Where others reach a frontier, as URLs; empty where it has not said so, and for all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advertised<'a> {
    /// For services.
    pub servicebound: &'a str,
    /// For edges.
    pub edgebound: &'a str,
}

impl<'a> Advertised<'a> {
    fn fields(&self) -> impl Iterator<Item = (u8, &'a [u8])> {
        [(TAG_SERVICEBOUND, self.servicebound), (TAG_EDGEBOUND, self.edgebound)]
            .into_iter()
            .filter(|(_, url)| !url.is_empty())
            .map(|(tag, url)| (tag, url.as_bytes()))
    }
}

impl<'a> Hello<'a> {
    /// That of a dialler which speaks this crate's version, takes frames of the least length, and wants
    /// nothing in particular.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            versions: (VERSION, VERSION),
            role,
            features: 0,
            max_frame: MIN_MAX_FRAME,
            heartbeat_ms: 0,
            id: 0,
            name: "",
            topics: Vec::new(),
            methods: Vec::new(),
            meta: b"",
            token: None,
            advertised: Advertised::default(),
            session: None,
        }
    }

    /// Reads a `Hello` frame. A token that is too long is left to the gateway to refuse.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the magic or the role is wrong, the body is cut short or a
    /// text is not UTF-8.
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
            methods: Vec::new(),
            meta: &[],
            token: None,
            advertised: Advertised::default(),
            session: None,
        };
        let text =
            |value| std::str::from_utf8(value).map_err(|_| ParseError::NameNotUtf8 { kind: Kind::Hello });
        while let Some((tag, value)) = reader.tagged()? {
            match tag {
                TAG_NAME => hello.name = text(value)?,
                TAG_TOPIC => hello.topics.push(text(value)?),
                TAG_META => hello.meta = value,
                TAG_TOKEN => {
                    let token = std::str::from_utf8(value).map_err(|_| reader.invalid("token"))?;
                    hello.token = Some(Token::new(token));
                }
                TAG_METHOD => hello.methods.push(text(value)?),
                TAG_SERVICEBOUND => hello.advertised.servicebound = text(value)?,
                TAG_EDGEBOUND => hello.advertised.edgebound = text(value)?,
                TAG_SESSION => {
                    let session = Session::from_wire(value).ok_or_else(|| reader.invalid("session"))?;
                    hello.session = Some(session);
                }
                _ => {}
            }
        }
        Ok(hello)
    }

    /// Adds names from the front of `methods` for as long as the frame has no more than `max_frame`
    /// bytes, and returns how many it has added.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout.
    pub fn fill_methods(
        &mut self,
        methods: impl IntoIterator<Item = &'a str>,
        max_frame: usize,
    ) -> Result<usize, EncodeError> {
        let (mut len, mut added) = (HEADER_LEN + self.body_len()?, 0);
        for method in methods {
            len += tagged_len(method.as_bytes())?;
            if len > max_frame {
                break;
            }
            self.methods.push(method);
            added += 1;
        }
        Ok(added)
    }

    fn body_len(&self) -> Result<usize, EncodeError> {
        let mut len = FIXED + tagged_len(self.name.as_bytes())? + tagged_len(self.meta)?;
        if let Some(token) = &self.token {
            if token.len() > MAX_TOKEN {
                return Err(EncodeError::TokenTooLong(token.len()));
            }
            len += tagged_len(token.expose().as_bytes())?;
        }
        for name in self.topics.iter().chain(&self.methods) {
            len += tagged_len(name.as_bytes())?;
        }
        for (_, url) in self.advertised.fields() {
            len += tagged_len(url)?;
        }
        if let Some(session) = &self.session {
            len += tagged_len(&session.to_wire())?;
        }
        Ok(len)
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a part does not fit the layout; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let body_len = self.body_len()?;
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
        if let Some(token) = &self.token {
            put_tagged(out, TAG_TOKEN, token.expose().as_bytes());
        }
        for topic in &self.topics {
            put_tagged(out, TAG_TOPIC, topic.as_bytes());
        }
        for method in &self.methods {
            put_tagged(out, TAG_METHOD, method.as_bytes());
        }
        for (tag, url) in self.advertised.fields() {
            put_tagged(out, tag, url);
        }
        if let Some(session) = &self.session {
            put_tagged(out, TAG_SESSION, &session.to_wire());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
