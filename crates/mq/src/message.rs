//! A message for a broker, and what becomes of it.

use crate::SendError;
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt::{self, Debug};
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
    /// By which it is known wherever it is sent again; `None` for the number of its one attempt.
    pub id: Option<MessageId>,
}

/// What tells a message from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId {
    /// A random number for each start of whoever numbers them.
    pub boot: u64,
    /// Their own number.
    pub number: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.boot, self.number)
    }
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

    /// Its id, which is that of this attempt where it has none of its own.
    #[cfg_attr(
        not(any(
            feature = "amqp",
            feature = "kafka",
            feature = "mqtt",
            feature = "nats",
            feature = "nsq",
            feature = "redis"
        )),
        expect(dead_code, reason = "there is no broker")
    )]
    pub(crate) fn id(&self, boot: u64, number: u64) -> MessageId {
        self.id.unwrap_or(MessageId { boot, number })
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
        Message { edge_id: 1, job, topic: "t".into(), custom, labels, payload, id: None }
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

    #[test]
    fn an_id_of_its_own_stays_whatever_the_attempt() {
        let id = Some(MessageId { boot: 10, number: 3 });
        let message = message(Vec::new(), None);
        assert_eq!(message.id(255, 7).to_string(), "00000000000000ff-7");
        assert_eq!(Message { id, ..message }.id(255, 7).to_string(), "000000000000000a-3");
    }
}
