//! A message as JSON, for brokers that have no headers.

use crate::Message;
use data_encoding::BASE64;
use serde_json::json;

/// What of a message goes there; the EdgeID as text: many readers of JSON have no whole numbers of 64 bits.
pub(crate) fn envelope(message: &Message, id: &str) -> String {
    let labels: serde_json::Map<String, serde_json::Value> =
        message.labels.iter().map(|(name, value)| (name.to_string(), json!(**value))).collect();
    json!({
        "edge_id": message.edge_id.to_string(),
        "topic": &*message.topic,
        "message_id": id,
        "custom": BASE64.encode(&message.custom),
        "labels": labels,
        "payload": BASE64.encode(&message.payload),
    })
    .to_string()
}

/// What of an envelope a receiver gets.
#[cfg(feature = "nsq")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// By their names: the EdgeID, the topic and the id.
    pub(crate) headers: Vec<(Box<str>, bytes::Bytes)>,
    pub(crate) custom: bytes::Bytes,
    pub(crate) payload: bytes::Bytes,
}

/// What is in an envelope; `None` of what is none.
#[cfg(feature = "nsq")]
pub(crate) fn open(body: &[u8]) -> Option<Content> {
    let envelope: serde_json::Value = serde_json::from_slice(body).ok()?;
    let decoded = |key: &str| match envelope.get(key) {
        None => Some(bytes::Bytes::new()),
        Some(text) => BASE64.decode(text.as_str()?.as_bytes()).ok().map(Into::into),
    };
    let mut content =
        Content { headers: Vec::new(), custom: decoded("custom")?, payload: decoded("payload")? };
    for name in ["edge_id", "topic", "message_id"] {
        if let Some(text) = envelope.get(name) {
            content.headers.push((name.into(), text.as_str()?.to_owned().into()));
        }
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn message() -> Message {
        Message {
            edge_id: u64::MAX,
            job: None,
            topic: "temp".into(),
            custom: Bytes::from_static(b"\x00"),
            labels: vec![("region".into(), "eu".into())],
            payload: Bytes::from_static(b"\xff\"1"),
            id: None,
        }
    }

    #[test]
    fn json_has_everything() {
        let expected = r#"{"custom":"AA==","edge_id":"18446744073709551615","labels":{"region":"eu"},"message_id":"x","payload":"/yIx","topic":"temp"}"#;
        assert_eq!(envelope(&message(), "x"), expected);
    }

    #[cfg(feature = "nsq")]
    #[test]
    fn what_is_in_it_is_read_back() {
        let content = open(envelope(&message(), "x").as_bytes()).unwrap();
        assert_eq!((&content.custom[..], &content.payload[..]), (&b"\x00"[..], &b"\xff\"1"[..]));
        let names: Vec<&str> = content.headers.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["edge_id", "topic", "message_id"]);
        assert_eq!(content.headers[0].1, "18446744073709551615");
        for wrong in ["", "[1", r#"{"payload":"?"}"#, r#"{"edge_id":7}"#, r#"{"custom":1}"#] {
            assert_eq!(open(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(open(b"{}"), Some(Content::default()));
    }
}
