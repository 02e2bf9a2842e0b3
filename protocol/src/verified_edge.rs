//! What a gateway tells a service of the credentials of an edge.

use crate::EdgeId;
use crate::tagged::{label, put, put_label, sized};

const TAG_SUBJECT: u8 = 1;
const TAG_EDGE_ID: u8 = 2;
const TAG_LABEL: u8 = 3;

/// What the credentials of an edge say of it: the custom header of [`GET_EDGE_ID`](crate::GET_EDGE_ID).
///
/// Tagged fields, each a tag (u8), a length (u16, big endian) and a value; unknown ones are passed over.
///
/// | tag | value | how often |
/// |---|---|---|
/// | 1 | the name of the credentials, UTF-8 | at most once |
/// | 2 | the only EdgeID that the edge may have (u64) | at most once |
/// | 3 | a label: length of its key (u16), key, value, UTF-8 | any number |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifiedEdge<'a> {
    /// The name of the credentials; empty if there are none, or they have no name.
    pub subject: &'a str,
    /// The only EdgeID that the edge may have, if the credentials fix one.
    pub edge_id: Option<EdgeId>,
    /// Keys and values.
    pub labels: Vec<(&'a str, &'a str)>,
}

impl<'a> VerifiedEdge<'a> {
    /// Reads a custom header. `None` if a field is cut short or is no text.
    #[must_use]
    pub fn parse(mut custom: &'a [u8]) -> Option<Self> {
        let mut edge = Self::default();
        while let Some((&tag, rest)) = custom.split_first() {
            let (value, rest) = sized(rest)?;
            custom = rest;
            match tag {
                TAG_SUBJECT => edge.subject = std::str::from_utf8(value).ok()?,
                TAG_EDGE_ID => edge.edge_id = Some(edge_id(value)?),
                TAG_LABEL => edge.labels.push(label(value)?),
                _ => {}
            }
        }
        Some(edge)
    }

    /// The custom header; empty if nothing is known. What is longer than a field holds is left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut custom = Vec::new();
        if !self.subject.is_empty() {
            put(&mut custom, TAG_SUBJECT, &[self.subject.as_bytes()]);
        }
        if let Some(EdgeId(id)) = self.edge_id {
            put(&mut custom, TAG_EDGE_ID, &[&id.to_be_bytes()]);
        }
        for (key, value) in &self.labels {
            put_label(&mut custom, TAG_LABEL, key, value);
        }
        custom
    }
}

fn edge_id(value: &[u8]) -> Option<EdgeId> {
    let id = u64::from_be_bytes(value.try_into().ok()?);
    (id != 0).then_some(EdgeId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> VerifiedEdge<'static> {
        let labels = vec![("region", "eu"), ("tenant", "")];
        VerifiedEdge { subject: "sensor 7", edge_id: Some(EdgeId(7)), labels }
    }

    #[test]
    fn round_trip() {
        assert_eq!(VerifiedEdge::parse(&sample().encode()), Some(sample()));
        assert_eq!(VerifiedEdge::default().encode(), b"", "as before there were credentials");
        assert_eq!(VerifiedEdge::parse(b""), Some(VerifiedEdge::default()));
    }

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let golden = b"\x01\0\x08sensor 7\x02\0\x08\0\0\0\0\0\0\0\x07\x03\0\x0a\0\x06regioneu";
        let edge = VerifiedEdge { labels: vec![("region", "eu")], ..sample() };
        assert_eq!(edge.encode(), golden);
    }

    #[test]
    fn a_header_that_is_cut_inside_a_field_is_refused() {
        let wire = sample().encode();
        let whole = (0..=wire.len()).filter(|&len| VerifiedEdge::parse(&wire[..len]).is_some());
        assert_eq!(whole.collect::<Vec<_>>(), [0, 11, 22, 35, wire.len()]);
    }

    #[test]
    fn unknown_fields_are_passed_over_and_what_is_no_text_is_refused() {
        assert_eq!(VerifiedEdge::parse(b"\x09\0\x02??"), Some(VerifiedEdge::default()));
        for custom in [
            &b"\x01\0\x01\xff"[..],
            b"\x03\0\x03\0\x01\xff",
            b"\x02\0\x01\x07",
            b"\x02\0\x08\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(VerifiedEdge::parse(custom), None, "{custom:?}");
        }
    }

    #[test]
    fn what_does_not_fit_a_field_is_left_out() {
        let long = "x".repeat(70_000);
        let edge = VerifiedEdge { subject: &long, edge_id: Some(EdgeId(7)), labels: vec![(&long, "")] };
        let known = VerifiedEdge { edge_id: Some(EdgeId(7)), ..VerifiedEdge::default() };
        assert_eq!(VerifiedEdge::parse(&edge.encode()), Some(known));
    }
}
