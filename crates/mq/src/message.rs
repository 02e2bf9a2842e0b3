//! A message for a broker, and what becomes of it.

use crate::SendError;
use bytes::Bytes;
use std::fmt::Debug;
use std::sync::Arc;

/// What a message costs beside its own bytes: its places in the tables here.
const OVERHEAD: usize = 256;

/// A message for a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The edge that it is from, which is the key by which a broker may keep order.
    pub edge_id: u64,
    /// The topic under which the edge sent it.
    pub topic: Arc<str>,
    /// The users' own header.
    pub custom: Bytes,
    /// The verified labels of the edge.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// The payload.
    pub payload: Bytes,
}

impl Message {
    /// What it counts for in the bound on bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let labels: usize = self.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        OVERHEAD + self.payload.len() + self.custom.len() + labels
    }

    /// The labels as a query string has its fields: `region=eu&type=pump`. Empty without any.
    #[must_use]
    pub fn encoded_labels(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.labels {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The number that came with the message.
    pub token: u64,
    /// Whether the broker has it.
    pub result: Result<(), SendError>,
}

/// Who hears what becomes of messages.
pub trait Confirm: Debug + Send + Sync + 'static {
    /// These have ended. Called from the sink's own task, with some hundreds at most; it may take locks, and must not wait.
    fn ended(&self, outcomes: Vec<Outcome>);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_apart_whatever_is_in_them() {
        let labels = vec![("a&b".into(), "1=2".into()), ("region".into(), "eu west".into())];
        let message =
            Message { edge_id: 1, topic: "t".into(), custom: Bytes::new(), labels, payload: Bytes::new() };
        assert_eq!(message.encoded_labels(), "a%26b=1%3D2&region=eu+west");
    }
}
