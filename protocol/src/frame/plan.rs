//! `Plan` (0x64): what frontlas tells a frontier of the others, and how many edges it should give to them.
//!
//! ```text
//! frontier ◀─ Plan ── frontlas      unasked, as often as anything in it changes; the last one counts
//! ```
//!
//! Sent with [`Flags::SKIPPABLE`]. Body:
//!
//! ```text
//!  keep (u64) | rate (u32) | others, up to the end of the frame
//! ```
//!
//! and each of the others:
//!
//! ```text
//!  want (u64) | edges (u64) | frontier id length (u16) | edge URL length (u16) | service URL length (u16)
//!  frontier id | edge URL | service URL
//! ```
//!
//! They are frontiers that live and do not drain, and where new connections may go. While the frontier has
//! more than `keep` edges it asks some to move, at most `rate` a second, and at most `want` of them to each of
//! the others. That `keep` is a number of edges to be left, and not of edges to go, is what makes a plan that
//! comes late, or twice, do no harm.

use super::fields::{Reader, name_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

/// What the rows stand behind.
const FIXED: usize = 12;

/// What a row takes beside its texts.
const ROW: usize = 22;

/// Another frontier, borrowed from the frame that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other<'a> {
    /// How many edges it should get from the one that is told; 0 for none.
    pub want: u64,
    /// How many it has.
    pub edges: u64,
    /// Its id.
    pub frontier: &'a str,
    /// Where edges reach it, a URL.
    pub edgebound: &'a str,
    /// Where services reach it, a URL.
    pub servicebound: &'a str,
}

/// What a frontier is to do for the others, borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    /// With how many edges the frontier should be left at least.
    pub keep: u64,
    /// How many edges it should ask to move in a second, at most.
    pub rate: u32,
    /// Some of the others, those that should get edges first.
    pub others: Vec<Other<'a>>,
}

impl Other<'_> {
    /// How many bytes it takes in a frame.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        ROW + self.frontier.len() + self.edgebound.len() + self.servicebound.len()
    }
}

impl<'a> Plan<'a> {
    /// Reads a `Plan` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or a text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Plan)?;
        let mut reader = Reader::new(frame);
        let (keep, rate) = (reader.u64("keep")?, reader.u32("rate")?);
        let mut others = Vec::new();
        while !reader.is_empty() {
            let (want, edges) = (reader.u64("want")?, reader.u64("edges")?);
            let frontier_len = usize::from(reader.u16("frontier id length")?);
            let edgebound_len = usize::from(reader.u16("edge URL length")?);
            let servicebound_len = usize::from(reader.u16("service URL length")?);
            let frontier = reader.text(frontier_len, "frontier id")?;
            let edgebound = reader.text(edgebound_len, "edge URL")?;
            let servicebound = reader.text(servicebound_len, "service URL")?;
            others.push(Other { want, edges, frontier, edgebound, servicebound });
        }
        Ok(Self { keep, rate, others })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a text does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let mut body_len = FIXED;
        for other in &self.others {
            for text in [other.frontier, other.edgebound, other.servicebound] {
                name_len(text)?;
            }
            body_len += other.wire_len();
        }
        put_header(out, Kind::Plan, Flags::SKIPPABLE, Code::Ok, id, body_len)?;
        out.put_u64(self.keep);
        out.put_u32(self.rate);
        for Other { want, edges, frontier, edgebound, servicebound } in &self.others {
            out.put_u64(*want);
            out.put_u64(*edges);
            for text in [frontier, edgebound, servicebound] {
                out.put_u16(name_len(text)?);
            }
            for text in [frontier, edgebound, servicebound] {
                out.put_slice(text.as_bytes());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    const OTHERS: [Other<'static>; 2] = [
        Other { want: 7, edges: 1, frontier: "größe-1", edgebound: "tcp://e:1", servicebound: "tcp://s:1" },
        Other { want: 0, edges: u64::MAX, frontier: "b", edgebound: "", servicebound: "" },
    ];

    fn sample() -> (Plan<'static>, Frame) {
        let plan = Plan { keep: 0x0102_0304_0506_0708, rate: 100, others: OTHERS.to_vec() };
        let mut wire = Vec::new();
        plan.encode(9, &mut wire).unwrap();
        (plan, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (plan, frame) = sample();
        assert_eq!((Plan::parse(&frame), frame.id), (Ok(plan), 9));
        assert!(frame.flags.has(Flags::SKIPPABLE), "an older frontier passes over it");
        let alone = Plan { keep: 0, rate: 0, others: Vec::new() };
        let mut wire = Vec::new();
        alone.encode(1, &mut wire).unwrap();
        assert_eq!(Plan::parse(&decode(&wire)), Ok(alone));
    }

    #[test]
    fn a_cut_body_is_refused_unless_it_ends_between_rows() {
        let (plan, frame) = sample();
        let ends = [FIXED, FIXED + OTHERS[0].wire_len()];
        for cut in cuts(&frame) {
            let parsed = Plan::parse(&cut);
            match ends.iter().position(|end| *end == cut.body.len()) {
                Some(rows) => {
                    assert_eq!(parsed, Ok(Plan { others: OTHERS[..rows].to_vec(), ..plan.clone() }))
                }
                None => assert!(
                    matches!(parsed, Err(ParseError::Truncated { kind: Kind::Plan, .. })),
                    "{parsed:?}"
                ),
            }
        }
    }

    #[test]
    fn other_kinds_and_what_is_not_utf8_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::Plan], |frame| Plan::parse(frame).map(drop));
        for place in 0..3 {
            let mut body = vec![0; FIXED + 16];
            body.extend_from_slice(&[0, 1, 0, 1, 0, 1]);
            let mut texts = *b"abc";
            texts[place] = 0xff;
            body.extend_from_slice(&texts);
            let bad = frame(Kind::Plan, Flags::SKIPPABLE, &body);
            assert_eq!(Plan::parse(&bad), Err(ParseError::NameNotUtf8 { kind: Kind::Plan }));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_nothing_is_written() {
        let long = "x".repeat(65_536);
        let fits = OTHERS[1];
        let mut wire = Vec::new();
        for bad in [
            Other { frontier: &long, ..fits },
            Other { edgebound: &long, ..fits },
            Other { servicebound: &long, ..fits },
        ] {
            let plan = Plan { keep: 0, rate: 0, others: vec![fits, bad] };
            assert_eq!(plan.encode(1, &mut wire), Err(EncodeError::NameTooLong(65_536)));
        }
        assert!(wire.is_empty());
    }
}
