//! The command for one message.

use super::{Sending, Settings};
use crate::{Format, Message, RedisTarget};
use data_encoding::BASE64;
use redis::{Cmd, cmd};
use serde_json::json;

/// `PUBLISH`, or `XADD` with a field for each thing that there is.
pub(super) fn command(settings: &Settings, sending: &Sending) -> Cmd {
    let Sending { number, message, target, .. } = sending;
    let id = message.id(settings.boot, *number).to_string();
    match &settings.config.target {
        RedisTarget::Channel { format, .. } => {
            let mut publish = cmd("PUBLISH");
            publish.arg(target);
            match format {
                Format::Payload => publish.arg(&message.payload[..]),
                Format::Json => publish.arg(envelope(message, &id)),
            };
            publish
        }
        RedisTarget::Stream { max_len, create, .. } => {
            let mut add = cmd("XADD");
            add.arg(target);
            if !create {
                add.arg("NOMKSTREAM");
            }
            if let Some(max_len) = max_len {
                add.arg("MAXLEN").arg("~").arg(*max_len);
            }
            add.arg("*").arg("edge_id").arg(message.edge_id).arg("topic").arg(&*message.topic);
            add.arg("message_id").arg(id);
            if !message.custom.is_empty() {
                add.arg("custom").arg(&message.custom[..]);
            }
            if !message.labels.is_empty() {
                add.arg("labels").arg(message.encoded_labels());
            }
            add.arg("payload").arg(&message.payload[..]);
            add
        }
    }
}

/// The EdgeID as text: many readers of JSON have no whole numbers of 64 bits.
fn envelope(message: &Message, id: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn json_has_everything() {
        let message = Message {
            edge_id: u64::MAX,
            job: None,
            topic: "temp".into(),
            custom: Bytes::from_static(b"\x00"),
            labels: vec![("region".into(), "eu".into())],
            payload: Bytes::from_static(b"\xff\"1"),
            id: None,
        };
        let expected = r#"{"custom":"AA==","edge_id":"18446744073709551615","labels":{"region":"eu"},"message_id":"x","payload":"/yIx","topic":"temp"}"#;
        assert_eq!(envelope(&message, "x"), expected);
    }
}
