//! `Members` (0x65): frontlas tells a frontier of all others of the cluster.
//!
//! ```text
//! frontier ◀─ Members{FIRST} … Members{LAST} ── frontlas      unasked, when it changes; the last whole list counts
//! ```
//!
//! Sent with [`Flags::SKIPPABLE`] and the id 0. [`Flags::FIRST`] begins a list, [`Flags::LAST`] ends it, and one frame
//! may do both. The body is a row of others up to the end of the frame:
//!
//! ```text
//!  frontier id length (u16) | service URL length (u16) | frontier id | service URL
//! ```
//!
//! They are frontiers that live and do not drain. [`Plan`](crate::Plan) names some of them, with where edges reach them;
//! this names all, with where services and other frontiers do.

use super::fields::{Reader, name_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

/// What a row takes beside its texts.
const ROW: usize = 4;

/// Another frontier, borrowed from the frame that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherMember<'a> {
    /// Its id.
    pub frontier: &'a str,
    /// Where services and frontiers reach it, a URL.
    pub servicebound: &'a str,
}

/// A list of the other frontiers, or a part of it, borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members<'a> {
    /// The list begins here.
    pub is_first: bool,
    /// The list is whole with this.
    pub is_last: bool,
    /// The others.
    pub others: Vec<OtherMember<'a>>,
}

impl OtherMember<'_> {
    /// How many bytes it takes in a frame.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        ROW + self.frontier.len() + self.servicebound.len()
    }
}

impl<'a> Members<'a> {
    /// Reads a `Members` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or a text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Members)?;
        let mut reader = Reader::new(frame);
        let mut others = Vec::new();
        while !reader.is_empty() {
            let frontier_len = usize::from(reader.u16("frontier id length")?);
            let servicebound_len = usize::from(reader.u16("service URL length")?);
            let frontier = reader.text(frontier_len, "frontier id")?;
            let servicebound = reader.text(servicebound_len, "service URL")?;
            others.push(OtherMember { frontier, servicebound });
        }
        let (is_first, is_last) = (frame.flags.has(Flags::FIRST), frame.flags.has(Flags::LAST));
        Ok(Self { is_first, is_last, others })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a text does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let mut body_len = 0;
        for other in &self.others {
            for text in [other.frontier, other.servicebound] {
                name_len(text)?;
            }
            body_len += other.wire_len();
        }
        let part = |is_so: bool, flag: Flags| if is_so { flag } else { Flags::default() };
        let flags = part(self.is_first, Flags::FIRST).with(part(self.is_last, Flags::LAST));
        put_header(out, Kind::Members, flags.with(Flags::SKIPPABLE), Code::Ok, id, body_len)?;
        for OtherMember { frontier, servicebound } in &self.others {
            out.put_u16(name_len(frontier)?);
            out.put_u16(name_len(servicebound)?);
            out.put_slice(frontier.as_bytes());
            out.put_slice(servicebound.as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (Members<'static>, Frame) {
        let others = vec![
            OtherMember { frontier: "größe-1", servicebound: "tcp://s:1" },
            OtherMember { frontier: "b", servicebound: "" },
        ];
        let members = Members { is_first: true, is_last: true, others };
        let mut wire = Vec::new();
        members.encode(9, &mut wire).unwrap();
        (members, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (members, frame) = sample();
        assert_eq!((Members::parse(&frame), frame.id), (Ok(members), 9));
        assert!(frame.flags.has(Flags::SKIPPABLE), "an older frontier passes over it");
        let alone = Members { is_first: true, is_last: false, others: Vec::new() };
        let mut wire = Vec::new();
        alone.encode(0, &mut wire).unwrap();
        assert_eq!(Members::parse(&decode(&wire)), Ok(alone));
    }

    #[test]
    fn a_frame_that_is_cut_inside_a_row_is_refused_and_so_are_other_kinds() {
        let (members, frame) = sample();
        let ends = [0, members.others[0].wire_len(), frame.body.len()];
        for cut in cuts(&frame) {
            assert_eq!(Members::parse(&cut).is_ok(), ends.contains(&cut.body.len()), "{cut:?}");
        }
        refuses_other_kinds(&frame, &[Kind::Members], |frame| Members::parse(frame).map(drop));
    }

    #[test]
    fn a_text_is_utf_8_and_fits() {
        let bad = frame(Kind::Members, Flags::default(), b"\0\x01\0\0\xff");
        assert_eq!(Members::parse(&bad), Err(ParseError::NameNotUtf8 { kind: Kind::Members }));
        let long = "x".repeat(65_536);
        let others = vec![OtherMember { frontier: "a", servicebound: &long }];
        let mut wire = Vec::new();
        let error = Members { is_first: true, is_last: true, others }.encode(0, &mut wire).unwrap_err();
        assert_eq!((error, wire.len()), (EncodeError::NameTooLong(65_536), 0));
    }
}
