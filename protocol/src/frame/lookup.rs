//! `Lookup` (0x62) and `LookupAck` (0x63): a frontier asks where an edge is.
//!
//! ```text
//! frontier ── Lookup ────▶ frontlas
//! frontier ◀─ LookupAck ── frontlas
//! ```
//!
//! Body of `Lookup`: the EdgeID (u64). Body of `LookupAck`:
//!
//! ```text
//!  detail (u32) | frontier id length (u16) | URL length (u16) | frontier id | URL
//! ```
//!
//! The URL is where services reach that frontier. With a code other than 0 both are empty;
//! `EdgeNotOnline` is that the edge is nowhere.

use super::fields::{Reader, name_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::{Code, EdgeId};
use bytes::BufMut;

/// Where is this edge?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The edge.
    pub edge: EdgeId,
}

/// The answer to a [`Lookup`], borrowed from the frame that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupAck<'a> {
    /// How it went.
    pub code: Code,
    /// What the code leaves open, by the table in [`frame`](super).
    pub detail: u32,
    /// The id of the frontier that the edge is connected to.
    pub frontier: &'a str,
    /// Where services reach it, a URL.
    pub servicebound: &'a str,
}

impl Lookup {
    /// Reads a `Lookup` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came or the body is cut short.
    pub fn parse(frame: &Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::Lookup)?;
        Ok(Self { edge: EdgeId(Reader::new(frame).u64("edge")?) })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// None in practice: the body has a fixed length.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        put_header(out, Kind::Lookup, Flags::default(), Code::Ok, id, 8)?;
        out.put_u64(self.edge.0);
        Ok(())
    }
}

impl<'a> LookupAck<'a> {
    /// The edge was not found.
    #[must_use]
    pub fn failed(code: Code, detail: u32) -> Self {
        Self { code, detail, frontier: "", servicebound: "" }
    }

    /// Reads a `LookupAck` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or a text is not UTF-8.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::LookupAck)?;
        let mut reader = Reader::new(frame);
        let detail = reader.u32("detail")?;
        let frontier_len = usize::from(reader.u16("frontier id length")?);
        let url_len = usize::from(reader.u16("URL length")?);
        let frontier = reader.text(frontier_len, "frontier id")?;
        Ok(Self { code: frame.code, detail, frontier, servicebound: reader.text(url_len, "URL")? })
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a text does not fit the layout; nothing was written then.
    pub fn encode(&self, id: u64, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let Self { code, detail, frontier, servicebound } = *self;
        let lens = (name_len(frontier)?, name_len(servicebound)?);
        let body_len = 8 + frontier.len() + servicebound.len();
        put_header(out, Kind::LookupAck, Flags::default(), code, id, body_len)?;
        out.put_u32(detail);
        out.put_u16(lens.0);
        out.put_u16(lens.1);
        out.put_slice(frontier.as_bytes());
        out.put_slice(servicebound.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (Lookup, Frame) {
        let lookup = Lookup { edge: EdgeId(0x0102_0304_0506_0708) };
        let mut wire = Vec::new();
        lookup.encode(9, &mut wire).unwrap();
        (lookup, decode(&wire))
    }

    fn sample_ack() -> (LookupAck<'static>, Frame) {
        let (frontier, servicebound) = ("größe-1", "tcp://192.0.2.1:30011");
        let ack = LookupAck { code: Code::Unknown(700), detail: 5, frontier, servicebound };
        let mut wire = Vec::new();
        ack.encode(9, &mut wire).unwrap();
        (ack, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (lookup, frame) = sample();
        assert_eq!((Lookup::parse(&frame), frame.id), (Ok(lookup), 9));
        let (ack, frame) = sample_ack();
        assert_eq!((LookupAck::parse(&frame), frame.id), (Ok(ack), 9));
    }

    #[test]
    fn a_cut_body_is_refused() {
        for cut in cuts(&sample().1) {
            let error = Lookup::parse(&cut).unwrap_err();
            assert_eq!(error, ParseError::Truncated { kind: Kind::Lookup, field: "edge" });
        }
        for cut in cuts(&sample_ack().1) {
            let error = LookupAck::parse(&cut).unwrap_err();
            assert!(matches!(error, ParseError::Truncated { kind: Kind::LookupAck, .. }), "{error}");
        }
    }

    #[test]
    fn other_kinds_and_what_is_not_utf8_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::Lookup], Lookup::parse);
        refuses_other_kinds(&sample_ack().1, &[Kind::LookupAck], |frame| LookupAck::parse(frame).map(drop));
        for text in [b"\xffu", b"f\xff"] {
            let bad =
                frame(Kind::LookupAck, Flags::default(), &[b"\0\0\0\0\0\x01\0\x01", &text[..]].concat());
            assert_eq!(LookupAck::parse(&bad), Err(ParseError::NameNotUtf8 { kind: Kind::LookupAck }));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_nothing_is_written() {
        let long = "x".repeat(65_536);
        let ack = LookupAck::failed(Code::Ok, 0);
        let mut wire = Vec::new();
        for bad in [LookupAck { frontier: &long, ..ack }, LookupAck { servicebound: &long, ..ack }] {
            assert_eq!(bad.encode(1, &mut wire), Err(EncodeError::NameTooLong(65_536)));
        }
        assert!(wire.is_empty());
    }
}
