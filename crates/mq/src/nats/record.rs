//! Messages of NATS as records.

use crate::Record;
use async_nats::Message;
use bytes::Bytes;
use data_encoding::BASE64;

/// Where a sink writes the users' own header.
const CUSTOM: &str = "Frontier-Custom";

/// The record that a message becomes.
pub(super) fn record(message: Message, place: &str, is_redelivered: bool) -> Record {
    let (mut headers, mut custom) = (Vec::new(), Bytes::new());
    if let Some(map) = &message.headers {
        for (name, values) in map.iter() {
            let name: &str = name.as_ref();
            for value in values {
                match BASE64.decode(value.as_str().as_bytes()) {
                    Ok(bytes) if name.eq_ignore_ascii_case(CUSTOM) => custom = bytes.into(),
                    _ => headers.push((name.into(), Bytes::copy_from_slice(value.as_str().as_bytes()))),
                }
            }
        }
    }
    Record {
        origin: message.subject.as_str().into(),
        place: place.into(),
        key: None,
        headers,
        custom,
        payload: message.payload,
        is_redelivered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_nats::HeaderMap;

    #[test]
    fn what_a_sink_writes_is_read_back() {
        let mut headers = HeaderMap::new();
        headers.insert("Frontier-Edge-Id", "7");
        headers.insert(CUSTOM, BASE64.encode(&[0, 255]));
        let message = Message {
            subject: "plant.7".into(),
            reply: None,
            payload: "p".into(),
            headers: Some(headers),
            status: None,
            description: None,
            length: 0,
        };
        let read = record(message.clone(), "3", true);
        assert_eq!(read.header("Frontier-Edge-Id").unwrap(), "7");
        assert_eq!((&read.custom[..], &*read.origin, &*read.place), (&[0, 255][..], "plant.7", "3"));
        // What is no Base64 is a header as any other.
        let mut headers = HeaderMap::new();
        headers.insert(CUSTOM, "?");
        let read = record(Message { headers: Some(headers), ..message }, "3", false);
        assert_eq!((read.header(CUSTOM).unwrap(), read.custom.len()), (&Bytes::from("?"), 0));
    }
}
