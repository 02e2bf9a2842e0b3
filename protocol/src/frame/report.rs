//! `Report` (0x60) and `ReportAck` (0x61): what a frontier tells frontlas of its connections.
//!
//! ```text
//! frontier ── Report ────▶ frontlas      one at a time: the next follows the answer
//! frontier ◀─ ReportAck ── frontlas      (the directory has taken it)
//! frontier ◀─ ReportAck ── frontlas      with id 0: answers nothing, see below
//! ```
//!
//! The body of `Report` is a row of entries, in the order in which things happened:
//!
//! ```text
//!  op (u8) | EdgeID or ServiceID (u64) | stamp (u64)
//!  address length (u16) | name length (u16) | address | service's name
//! ```
//!
//! | op | meaning |
//! |---|---|
//! | 1 | an edge is online |
//! | 2 | an edge is offline |
//! | 3 | a service is online |
//! | 4 | a service is offline |
//!
//! An op of an online entry with 0x80 added to it has 18 more bytes behind the name, only where `Welcome` has
//! [`FEATURE_CLAIMS`](crate::FEATURE_CLAIMS): with what the connection claims the id ([`Claim`]).
//!
//! `stamp` is when the connection was made, in microseconds of directory time; offline repeats that of its
//! online. Offline has no address, and only a service has a name.
//!
//! With [`Flags::SNAPSHOT`] the frame is a part of a list of everything that is online, the first one has
//! [`Flags::FIRST`], the last one [`Flags::LAST`]. A snapshot is the first that is reported on a
//! connection. What was known of the frontier and is not in it is gone when its last part is answered.
//!
//! With [`Flags::DRAINING`] the frontier drains: whoever is there is still reached, but nobody new should be
//! sent there. From the first such report on all of them have the flag.
//!
//! Body of `ReportAck`: a detail (u32) as in other answers, then tagged fields:
//!
//! | tag | field | how often |
//! |---|---|---|
//! | 1 | EdgeID (u64) and stamp (u64) of a connection that a later one has replaced, elsewhere | any number |
//! | 2 | text for people, UTF-8 | at most once |
//! | 3 | EdgeID (u64) and stamp (u64) of a connection that may not have the id: another one holds it, elsewhere | any number |
//!
//! A retryable code asks for the same report again, after a pause. [`Flags::RESYNC`] asks for a snapshot
//! instead, whatever the code. An answer with id 0 comes unasked, to tell of replaced connections or to ask
//! for a snapshot.

use super::fields::{Reader, name_len, put_tagged, tagged_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::{Claim, Code, EdgeId};
use bytes::BufMut;

const FIXED: usize = 21;
const TAG_SUPERSEDED: u8 = 1;
const TAG_TEXT: u8 = 2;
const TAG_HELD: u8 = 3;
/// In the byte of an op: a claim follows.
const WITH_CLAIM: u8 = 0x80;

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// An edge can be reached: wire number 1.
    EdgeOnline = 1,
    /// It no longer can: wire number 2.
    EdgeOffline = 2,
    /// A service is connected: wire number 3.
    ServiceOnline = 3,
    /// It no longer is: wire number 4.
    ServiceOffline = 4,
}

/// One connection of a frontier, borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What happened.
    pub op: Op,
    /// The EdgeID or ServiceID.
    pub id: u64,
    /// When the connection was made, in microseconds of directory time.
    pub stamp: u64,
    /// From where it is connected; empty when it is offline.
    pub addr: &'a str,
    /// A service's name; empty for an edge and when it is offline.
    pub name: &'a str,
    /// With what it claims the id, where that is told; never when it is offline.
    pub claim: Option<Claim>,
}

/// What the entries of a report are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What has changed.
    Changes,
    /// A part of everything that is online.
    Snapshot {
        /// It begins here.
        first: bool,
        /// It is whole with this.
        last: bool,
    },
}

/// What a frontier tells, borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<'a> {
    /// What the entries are.
    pub part: Part,
    /// Whether the frontier drains.
    pub draining: bool,
    /// The connections, in order.
    pub entries: Vec<Entry<'a>>,
}

/// A connection of an edge that another one keeps from its id, at another frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Superseded {
    /// The edge.
    pub edge: EdgeId,
    /// When that connection had been made.
    pub stamp: u64,
}

/// The answer to a [`Report`], borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportAck<'a> {
    /// How it went.
    pub code: Code,
    /// What the code leaves open, by the table in [`frame`](super).
    pub detail: u32,
    /// Whether a snapshot is asked for.
    pub resync: bool,
    /// Connections of the frontier that should be closed, since later ones have their ids.
    pub superseded: Vec<Superseded>,
    /// Connections of the frontier that should be closed, since they may not have their ids from those that hold them.
    pub held: Vec<Superseded>,
    /// The reason in words.
    pub text: &'a str,
}

impl Op {
    /// The op with this wire number.
    #[must_use]
    pub fn from_wire(number: u8) -> Option<Self> {
        [Self::EdgeOnline, Self::EdgeOffline, Self::ServiceOnline, Self::ServiceOffline]
            .into_iter()
            .find(|op| *op as u8 == number)
    }
}

impl Part {
    fn flags(self) -> Flags {
        let when = |is_set, flag| if is_set { flag } else { Flags::default() };
        match self {
            Self::Changes => Flags::default(),
            Self::Snapshot { first, last } => {
                Flags::SNAPSHOT.with(when(first, Flags::FIRST)).with(when(last, Flags::LAST))
            }
        }
    }

    fn of(flags: Flags) -> Self {
        if flags.has(Flags::SNAPSHOT) {
            Self::Snapshot { first: flags.has(Flags::FIRST), last: flags.has(Flags::LAST) }
        } else {
            Self::Changes
        }
    }
}

impl Op {
    fn is_online(self) -> bool {
        matches!(self, Self::EdgeOnline | Self::ServiceOnline)
    }
}

impl Entry<'_> {
    /// How many bytes it takes in a frame.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        let claim = if self.claim.is_some() { Claim::LEN } else { 0 };
        FIXED + self.addr.len() + self.name.len() + claim
    }
}

impl<'a> Report<'a> {
    /// Reads a `Report` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short, an op is unknown, an id is 0 or a text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Report)?;
        let mut reader = Reader::new(frame);
        let mut entries = Vec::new();
        while !reader.is_empty() {
            let number = reader.u8("op")?;
            let op = Op::from_wire(number & !WITH_CLAIM).ok_or_else(|| reader.invalid("op"))?;
            let has_claim = number & WITH_CLAIM != 0;
            if has_claim && !op.is_online() {
                return Err(reader.invalid("op"));
            }
            let (id, stamp) = (reader.u64("id")?, reader.u64("stamp")?);
            let addr_len = reader.u16("address length")?;
            let name_len = reader.u16("name length")?;
            let addr = reader.text(usize::from(addr_len), "address")?;
            let name = reader.text(usize::from(name_len), "name")?;
            if id == 0 {
                return Err(reader.invalid("id"));
            }
            let claim = match has_claim {
                true => {
                    let claim = Claim::from_wire(reader.bytes(Claim::LEN, "claim")?);
                    Some(claim.ok_or_else(|| reader.invalid("claim"))?)
                }
                false => None,
            };
            entries.push(Entry { op, id, stamp, addr, name, claim });
        }
        let draining = frame.flags.has(Flags::DRAINING);
        Ok(Self { part: Part::of(frame.flags), draining, entries })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a text does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let mut body_len = 0;
        for entry in &self.entries {
            name_len(entry.addr)?;
            name_len(entry.name)?;
            body_len += entry.wire_len();
        }
        let draining = if self.draining { Flags::DRAINING } else { Flags::default() };
        put_header(out, Kind::Report, self.part.flags().with(draining), Code::Ok, id, body_len)?;
        for Entry { op, id, stamp, addr, name, claim } in &self.entries {
            out.put_u8(*op as u8 | if claim.is_some() { WITH_CLAIM } else { 0 });
            out.put_u64(*id);
            out.put_u64(*stamp);
            out.put_u16(name_len(addr)?);
            out.put_u16(name_len(name)?);
            out.put_slice(addr.as_bytes());
            out.put_slice(name.as_bytes());
            if let Some(claim) = claim {
                out.put_slice(&claim.to_wire());
            }
        }
        Ok(())
    }
}

impl<'a> ReportAck<'a> {
    /// The directory has taken everything.
    #[must_use]
    pub fn done() -> Self {
        Self { code: Code::Ok, detail: 0, resync: false, superseded: Vec::new(), held: Vec::new(), text: "" }
    }

    /// Reads a `ReportAck` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or a field is not what it should be.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::ReportAck)?;
        let mut reader = Reader::new(frame);
        let detail = reader.u32("detail")?;
        let resync = frame.flags.has(Flags::RESYNC);
        let mut ack = Self { code: frame.code, detail, resync, ..Self::done() };
        while let Some((tag, value)) = reader.tagged()? {
            match tag {
                TAG_SUPERSEDED => {
                    let superseded = Superseded::read(value).ok_or_else(|| reader.invalid("superseded"))?;
                    ack.superseded.push(superseded);
                }
                TAG_HELD => {
                    let held = Superseded::read(value).ok_or_else(|| reader.invalid("held"))?;
                    ack.held.push(held);
                }
                TAG_TEXT => ack.text = std::str::from_utf8(value).map_err(|_| reader.invalid("text"))?,
                _ => {}
            }
        }
        Ok(ack)
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if the text does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let body_len =
            4 + (self.superseded.len() + self.held.len()) * (3 + 16) + tagged_len(self.text.as_bytes())?;
        let flags = if self.resync { Flags::RESYNC } else { Flags::default() };
        put_header(out, Kind::ReportAck, flags, self.code, id, body_len)?;
        out.put_u32(self.detail);
        for superseded in &self.superseded {
            put_tagged(out, TAG_SUPERSEDED, &superseded.bytes());
        }
        for held in &self.held {
            put_tagged(out, TAG_HELD, &held.bytes());
        }
        put_tagged(out, TAG_TEXT, self.text.as_bytes());
        Ok(())
    }
}

impl Superseded {
    fn read(value: &[u8]) -> Option<Self> {
        let (edge, stamp) = value.split_first_chunk::<8>()?;
        let stamp = u64::from_be_bytes(stamp.try_into().ok()?);
        let edge = EdgeId(u64::from_be_bytes(*edge));
        (edge != EdgeId(0)).then_some(Self { edge, stamp })
    }

    fn bytes(self) -> [u8; 16] {
        (u128::from(self.edge.0) << 64 | u128::from(self.stamp)).to_be_bytes()
    }
}

#[cfg(test)]
mod tests;
