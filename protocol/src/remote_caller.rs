//! Who calls, told by a gateway that forwards a request to another one.

use crate::ServiceId;
use crate::tagged::{label, put, put_label, sized};
use std::net::IpAddr;

const TAG_NAME: u8 = 1;
const TAG_SUBJECT: u8 = 2;
const TAG_LABEL: u8 = 3;
const TAG_ADDRESS: u8 = 4;

/// The service for which a frontier asks another one, as the frontier that it is connected to knows it. Or the edge, with
/// [`Flags::BY_NAME`](crate::Flags::BY_NAME): the ServiceID is 0 then, there is no name, and the EdgeID stands elsewhere.
///
/// The ServiceID (u64, big endian), then tagged fields, each a tag (u8), a length (u16) and a value; unknown
/// ones are passed over.
///
/// | tag | value | how often |
/// |---|---|---|
/// | 1 | the name of the service, UTF-8 | at most once |
/// | 2 | the name of its credentials, UTF-8 | at most once |
/// | 3 | a label: length of its key (u16), key, value, UTF-8 | any number |
/// | 4 | the address that it comes from, 4 or 16 bytes | at most once |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCaller<'a> {
    /// Its id.
    pub id: ServiceId,
    /// Its name; may be empty.
    pub name: &'a str,
    /// The name of its credentials; empty if there are none, or they have no name.
    pub subject: &'a str,
    /// Keys and values that its credentials give it.
    pub labels: Vec<(&'a str, &'a str)>,
    /// The address that it comes from, if it is told.
    pub address: Option<IpAddr>,
}

impl<'a> RemoteCaller<'a> {
    /// Reads what stands for a service. `None` if a field is cut short, is no text or no address.
    #[must_use]
    pub fn parse(caller: &'a [u8]) -> Option<Self> {
        let (id, mut rest) = caller.split_first_chunk()?;
        let id = ServiceId(u64::from_be_bytes(*id));
        let mut caller = Self { id, name: "", subject: "", labels: Vec::new(), address: None };
        while let Some((&tag, field)) = rest.split_first() {
            let (value, behind) = sized(field)?;
            rest = behind;
            match tag {
                TAG_NAME => caller.name = std::str::from_utf8(value).ok()?,
                TAG_SUBJECT => caller.subject = std::str::from_utf8(value).ok()?,
                TAG_LABEL => caller.labels.push(label(value)?),
                TAG_ADDRESS => caller.address = Some(address(value)?),
                _ => {}
            }
        }
        Some(caller)
    }

    /// Appends what stands for the service. What is longer than a field holds is left out.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0.to_be_bytes());
        for (tag, text) in [(TAG_NAME, self.name), (TAG_SUBJECT, self.subject)] {
            if !text.is_empty() {
                put(out, tag, &[text.as_bytes()]);
            }
        }
        for (key, value) in &self.labels {
            put_label(out, TAG_LABEL, key, value);
        }
        match self.address {
            Some(IpAddr::V4(ip)) => put(out, TAG_ADDRESS, &[&ip.octets()]),
            Some(IpAddr::V6(ip)) => put(out, TAG_ADDRESS, &[&ip.octets()]),
            None => {}
        }
    }
}

fn address(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> RemoteCaller<'static> {
        RemoteCaller {
            id: ServiceId(3),
            name: "files",
            subject: "ops",
            labels: vec![("team", "eu")],
            address: Some([192, 0, 2, 1].into()),
        }
    }

    fn encoded(caller: &RemoteCaller<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        caller.encode(&mut out);
        out
    }

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let golden =
            b"\0\0\0\0\0\0\0\x03\x01\0\x05files\x02\0\x03ops\x03\0\x08\0\x04teameu\x04\0\x04\xc0\0\x02\x01";
        assert_eq!(encoded(&sample()), golden);
        let unnamed = RemoteCaller { name: "", subject: "", labels: Vec::new(), address: None, ..sample() };
        assert_eq!(encoded(&unnamed), b"\0\0\0\0\0\0\0\x03");
    }

    #[test]
    fn what_is_cut_inside_a_field_is_refused() {
        let wire = encoded(&sample());
        let whole = (0..=wire.len()).filter(|&len| RemoteCaller::parse(&wire[..len]).is_some());
        assert_eq!(whole.collect::<Vec<_>>(), [8, 16, 22, 33, wire.len()]);
    }

    #[test]
    fn unknown_fields_are_passed_over_and_what_is_no_text_or_no_address_is_refused() {
        let with = |fields: &[u8]| [&[0; 8][..], fields].concat();
        assert_eq!(RemoteCaller::parse(&with(b"\x09\0\x02??")).map(|caller| caller.id), Some(ServiceId(0)));
        for bad in [&b"\x01\0\x01\xff"[..], b"\x02\0\x01\xff", b"\x03\0\x03\0\x01\xff", b"\x04\0\x05abcde"] {
            assert_eq!(RemoteCaller::parse(&with(bad)), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(id: u64, name: String, subject: String, label: (String, String), ip: Option<IpAddr>) {
            let labels = vec![(&*label.0, &*label.1)];
            let caller = RemoteCaller { id: ServiceId(id), name: &name, subject: &subject, labels, address: ip };
            let wire = encoded(&caller);
            prop_assert_eq!(RemoteCaller::parse(&wire), Some(caller));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = RemoteCaller::parse(&bytes);
        }
    }
}
