//! A message for a broker, and what becomes of it.

use crate::SendError;
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

/// What a message costs beside its own bytes: its places in the tables here.
const OVERHEAD: usize = 256;

/// A message for a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The edge that it is from, which is the key by which a broker may keep order; 0 where `job` says whom it is from.
    pub edge_id: u64,
    /// The job that it is from, if it is from no edge.
    pub job: Option<Box<Job>>,
    /// The topic under which it was sent.
    pub topic: Arc<str>,
    /// The users' own header.
    pub custom: Bytes,
    /// The verified labels of the edge.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// The payload.
    pub payload: Bytes,
}

/// A batch job, whose messages come by a relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// What it calls itself; empty if it does not say. It is the key by which a broker may keep order.
    pub name: Box<str>,
    /// Whose credentials were shown; empty where none are asked for.
    pub user: Box<str>,
    /// By which a message that comes twice is recognized; empty for none.
    pub key: Box<str>,
}

impl Job {
    fn size(&self) -> usize {
        self.name.len() + self.user.len() + self.key.len()
    }
}

impl Message {
    /// What it counts for in the bound on bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let labels: usize = self.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        let job = self.job.as_ref().map_or(0, |job| job.size());
        OVERHEAD + self.payload.len() + self.custom.len() + labels + job
    }

    /// Whom it is from, as headers have it: by name and value.
    #[must_use]
    pub fn origin(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let Some(job) = &self.job else {
            return vec![("Frontier-Edge-Id", self.edge_id.to_string().into())];
        };
        let named = [
            ("Frontier-Job", &job.name),
            ("Frontier-User", &job.user),
            ("Frontier-Idempotency-Key", &job.key),
        ];
        let given = named.into_iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| (name, Cow::Borrowed(&**value))).collect()
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
        let message = message(labels, None);
        assert_eq!(message.encoded_labels(), "a%26b=1%3D2&region=eu+west");
    }

    fn message(labels: Vec<(Box<str>, Box<str>)>, job: Option<Box<Job>>) -> Message {
        let (custom, payload) = (Bytes::new(), Bytes::new());
        Message { edge_id: 1, job, topic: "t".into(), custom, labels, payload }
    }

    #[test]
    fn a_message_is_from_an_edge_or_from_a_job() {
        assert_eq!(message(Vec::new(), None).origin(), [("Frontier-Edge-Id", Cow::from("1"))]);
        let job = Job { name: "slurm/7".into(), user: "".into(), key: "k".into() };
        let message = message(Vec::new(), Some(Box::new(job)));
        let expected = [("Frontier-Job", "slurm/7".into()), ("Frontier-Idempotency-Key", Cow::from("k"))];
        assert_eq!(message.origin(), expected);
        assert_eq!(message.size(), OVERHEAD + 8);
    }
}
