//! A message as it stands in a file of the spool: what describes it as JSON, so that later versions can add to it, and the
//! payload as it is.
//!
//! ```text
//!   length of the JSON: 4 bytes, little-endian │ JSON │ payload
//! ```

use crate::{Job, Message, MessageId};
use bytes::Bytes;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Kept {
    sequence: u64,
    /// Seconds since 1970.
    time: u32,
    #[serde(default)]
    edge_id: u64,
    topic: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<(u64, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<[String; 3]>,
    /// Base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    custom: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    labels: Vec<(Box<str>, Box<str>)>,
}

/// A message with its place among all others, and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spooled {
    /// Their order.
    pub(crate) sequence: u64,
    /// When it came, in seconds since 1970.
    pub(crate) time: u32,
    pub(crate) message: Message,
}

impl Spooled {
    /// Appends it.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Message { edge_id, job, topic, custom, labels, payload, id } = &self.message;
        let kept = Kept {
            sequence: self.sequence,
            time: self.time,
            edge_id: *edge_id,
            topic: topic.to_string(),
            id: id.map(|id| (id.boot, id.number)),
            job: job.as_ref().map(|job| [&job.name, &job.user, &job.key].map(|text| text.to_string())),
            custom: BASE64.encode(custom),
            labels: labels.clone(),
        };
        // Only maps with keys that are no text fail.
        let json = serde_json::to_vec(&kept).unwrap_or_default();
        out.extend_from_slice(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&json);
        out.extend_from_slice(payload);
    }

    /// `None` where it is none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (len, rest) = bytes.split_first_chunk()?;
        let (json, payload) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
        let kept: Kept = serde_json::from_slice(json).ok()?;
        let message = Message {
            edge_id: kept.edge_id,
            job: kept.job.map(|texts| {
                let [name, user, key] = texts.map(Box::from);
                Box::new(Job { name, user, key })
            }),
            topic: kept.topic.into(),
            custom: BASE64.decode(kept.custom.as_bytes()).ok()?.into(),
            labels: kept.labels,
            payload: Bytes::copy_from_slice(payload),
            id: kept.id.map(|(boot, number)| MessageId { boot, number }),
        };
        Some(Self { sequence: kept.sequence, time: kept.time, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written_and_a_part_of_one_is_none() {
        let job = Job { name: "slurm/7".into(), user: "u".into(), key: "k".into() };
        let message = Message {
            edge_id: u64::MAX,
            job: Some(Box::new(job)),
            topic: "temp".into(),
            custom: Bytes::from_static(b"\xff\x00"),
            labels: vec![("a".into(), "\"".into())],
            payload: Bytes::from_static(b"{\x00}"),
            id: Some(MessageId { boot: 1, number: 2 }),
        };
        let bare = Message {
            edge_id: 0,
            job: None,
            topic: "".into(),
            custom: Bytes::new(),
            labels: Vec::new(),
            payload: Bytes::new(),
            id: None,
        };
        for message in [message, bare] {
            let spooled = Spooled { sequence: 9, time: 1_800_000_000, message };
            let mut bytes = Vec::new();
            spooled.write(&mut bytes);
            assert_eq!(Spooled::read(&bytes), Some(spooled.clone()));
            let head = bytes.len() - spooled.message.payload.len();
            assert!((0..head).all(|end| Spooled::read(&bytes[..end]).is_none()));
        }
    }
}
