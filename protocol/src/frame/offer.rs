//! `Offer` (0x69): what the services of a frontier take, told to a frontier that asks there.
//!
//! ```text
//! frontier of the edge ◀─ Offer{FIRST} … Offer{LAST} ── frontier of the service      all that is offered
//! frontier of the edge ◀─ Offer ─────────────────────── frontier of the service      what has changed since
//! ```
//!
//! Sent with [`Flags::SKIPPABLE`] and the id 0, and only to who has [`FEATURE_BY_NAME`](crate::FEATURE_BY_NAME). With
//! [`Flags::FIRST`] what was offered before is void; with [`Flags::LAST`] the list is whole, and one frame may have
//! both. The body is a row of entries up to the end of the frame, in the order in which they hold:
//!
//! ```text
//!  op (u8) | name length (u16) | name
//! ```
//!
//! | op | the name is that of | |
//! |---|---|---|
//! | 1, 2, 3 | a method, a topic, a service | some service takes it from here on |
//! | 4, 5, 6 | a method, a topic, a service | none does any more |
//!
//! Entries with another op are passed over.

use super::fields::{Reader, name_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

/// What an entry takes beside its name.
const ROW: usize = 3;

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offered {
    /// A method, for calls.
    Method,
    /// A topic, for messages.
    Topic,
    /// A service, for streams.
    Service,
}

/// A name that is offered, or is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferEntry<'a> {
    /// What it is the name of.
    pub of: Offered,
    /// The exact name.
    pub name: &'a str,
    /// Whether a service takes it.
    pub is_offered: bool,
}

/// What is offered, or a part of it, borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    /// What was offered before is void.
    pub is_first: bool,
    /// With this all is told that there is.
    pub is_last: bool,
    /// In the order in which they hold.
    pub entries: Vec<OfferEntry<'a>>,
}

impl Offered {
    fn number(self) -> u8 {
        match self {
            Self::Method => 1,
            Self::Topic => 2,
            Self::Service => 3,
        }
    }
}

impl<'a> OfferEntry<'a> {
    /// How many bytes it takes in a frame.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        ROW + self.name.len()
    }

    fn op(&self) -> u8 {
        self.of.number() + if self.is_offered { 0 } else { 3 }
    }

    /// `None` for an op that this version does not know.
    fn of_op(op: u8, name: &'a str) -> Option<Self> {
        let of = match op {
            1 | 4 => Offered::Method,
            2 | 5 => Offered::Topic,
            3 | 6 => Offered::Service,
            _ => return None,
        };
        Some(Self { of, name, is_offered: op <= 3 })
    }
}

impl<'a> Offer<'a> {
    /// Reads an `Offer` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or a name is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Offer)?;
        let mut reader = Reader::new(frame);
        let mut entries = Vec::new();
        while !reader.is_empty() {
            let (op, len) = (reader.u8("op")?, reader.u16("name length")?);
            entries.extend(OfferEntry::of_op(op, reader.text(usize::from(len), "name")?));
        }
        let (is_first, is_last) = (frame.flags.has(Flags::FIRST), frame.flags.has(Flags::LAST));
        Ok(Self { is_first, is_last, entries })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a name does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let mut body_len = 0;
        for entry in &self.entries {
            name_len(entry.name)?;
            body_len += entry.wire_len();
        }
        let part = |is_so: bool, flag: Flags| if is_so { flag } else { Flags::default() };
        let flags = part(self.is_first, Flags::FIRST).with(part(self.is_last, Flags::LAST));
        put_header(out, Kind::Offer, flags.with(Flags::SKIPPABLE), Code::Ok, id, body_len)?;
        for entry in &self.entries {
            out.put_u8(entry.op());
            out.put_u16(name_len(entry.name)?);
            out.put_slice(entry.name.as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (Offer<'static>, Frame) {
        let entry = |of, name, is_offered| OfferEntry { of, name, is_offered };
        let entries = vec![
            entry(Offered::Method, "größe", true),
            entry(Offered::Topic, "*", true),
            entry(Offered::Service, "files", true),
            entry(Offered::Method, "get_edge_id", false),
            entry(Offered::Topic, "t", false),
            entry(Offered::Service, "", false),
        ];
        let offer = Offer { is_first: true, is_last: false, entries };
        let mut wire = Vec::new();
        offer.encode(9, &mut wire).unwrap();
        (offer, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (offer, frame) = sample();
        assert_eq!((Offer::parse(&frame), frame.id), (Ok(offer), 9));
        assert!(frame.flags.has(Flags::SKIPPABLE), "an older frontier passes over it");
        for (is_first, is_last) in [(false, false), (false, true), (true, true)] {
            let nothing = Offer { is_first, is_last, entries: Vec::new() };
            let mut wire = Vec::new();
            nothing.encode(0, &mut wire).unwrap();
            assert_eq!(Offer::parse(&decode(&wire)), Ok(nothing));
        }
    }

    #[test]
    fn a_frame_that_is_cut_inside_an_entry_is_refused_and_so_are_other_kinds() {
        let (offer, frame) = sample();
        let ends: Vec<usize> = (0..=offer.entries.len())
            .map(|count| offer.entries[..count].iter().map(OfferEntry::wire_len).sum())
            .collect();
        for cut in cuts(&frame) {
            assert_eq!(Offer::parse(&cut).is_ok(), ends.contains(&cut.body.len()), "{cut:?}");
        }
        refuses_other_kinds(&frame, &[Kind::Offer], |frame| Offer::parse(frame).map(drop));
    }

    #[test]
    fn an_op_of_later_is_passed_over_and_a_name_is_utf_8() {
        let parsed = frame(Kind::Offer, Flags::LAST, b"\x09\0\x01?\x01\0\x01m\0\0\0");
        let m = OfferEntry { of: Offered::Method, name: "m", is_offered: true };
        assert_eq!(Offer::parse(&parsed), Ok(Offer { is_first: false, is_last: true, entries: vec![m] }));
        let bad = frame(Kind::Offer, Flags::default(), b"\x01\0\x01\xff");
        assert_eq!(Offer::parse(&bad), Err(ParseError::NameNotUtf8 { kind: Kind::Offer }));
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        let long = "x".repeat(65_536);
        let entry = OfferEntry { of: Offered::Method, name: &long, is_offered: true };
        let mut wire = Vec::new();
        let offer = Offer { is_first: false, is_last: false, entries: vec![entry] };
        assert_eq!(offer.encode(0, &mut wire), Err(EncodeError::NameTooLong(65_536)));
        assert!(wire.is_empty());
    }
}
