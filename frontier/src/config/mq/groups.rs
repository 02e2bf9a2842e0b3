//! Consumers of one gateway that would take each other's messages: what is read by one group goes to one of its members.

use frontier_mq::{JetStreamConsumer, NatsQueue, SourceBackendConfig, SourceConfig};

/// What is wrong with `new` beside `other`: the key, and why. Several of one group are meant where all give to the same target,
/// and none where a message would come to whichever of two targets.
pub(super) fn conflict(other: &SourceConfig, new: &SourceConfig) -> Option<(&'static str, String)> {
    let (key, shared) = shared(&other.backend, &new.backend)?;
    let by = &other.name;
    match shared {
        Shared::Never(what) => Some((key, format!("{what}, and the consumer {by} has it"))),
        Shared::ForOneTarget(what) if other.target != new.target => Some((
            key,
            format!(
                "shares {what} with the consumer {by}, whose `to` differs: each message would go to one of the two"
            ),
        )),
        Shared::ForOneTarget(_) => None,
    }
}

/// What two consumers have in common.
enum Shared {
    /// Which only one may have.
    Never(String),
    /// Each message of which one of them gets.
    ForOneTarget(String),
}

fn shared(other: &SourceBackendConfig, new: &SourceBackendConfig) -> Option<(&'static str, Shared)> {
    use SourceBackendConfig::{Amqp, JetStream, Kafka, Mqtt, NatsQueue, Nsq, RedisStreams};
    let of_one = Shared::ForOneTarget;
    let common = |ours: &[String], theirs: &[String]| ours.iter().find(|it| theirs.contains(it)).cloned();
    Some(match (other, new) {
        (Amqp(_, other), Amqp(_, new)) if other.queue == new.queue => {
            let queue = &new.queue;
            let is_exclusive = other.exclusive || new.exclusive;
            let never = || Shared::Never(format!("is {queue:?}, which is read as `exclusive`"));
            ("queue", if is_exclusive { never() } else { of_one(format!("the queue {queue:?}")) })
        }
        (Kafka(_, other), Kafka(_, new)) if other.group == new.group => {
            let topic = common(&new.topics, &other.topics)?;
            ("topics", of_one(format!("the topic {topic:?} in the group {:?}", new.group)))
        }
        (Mqtt(other), Mqtt(new)) if other.group.is_some() && other.group == new.group => {
            let topic = common(&new.topics, &other.topics)?;
            (
                "topics",
                of_one(format!("{topic:?} in the group {:?}", new.group.as_deref().unwrap_or_default())),
            )
        }
        (JetStream(_, other), JetStream(_, new)) if is_one(other, new) => {
            let JetStreamConsumer { stream, durable, .. } = new;
            if other.filter == new.filter {
                ("durable", of_one(format!("{durable:?} of the stream {stream:?}")))
            } else {
                (
                    "filter",
                    Shared::Never(format!(
                        "is that of another {durable:?} of {stream:?}, which has one filter"
                    )),
                )
            }
        }
        (NatsQueue(_, other), NatsQueue(_, new)) if other.group == new.group => {
            ("subjects", of_one(overlap(other, new)?))
        }
        (Nsq(other), Nsq(new)) if (&other.topic, &other.channel) == (&new.topic, &new.channel) => {
            ("channel", of_one(format!("the channel {:?} of {:?}", new.channel, new.topic)))
        }
        (RedisStreams(other), RedisStreams(new)) if other.group == new.group => {
            let stream = common(&new.streams, &other.streams)?;
            match &new.consumer {
                Some(name) if other.consumer == new.consumer => (
                    "consumer",
                    Shared::Never(format!("is {name:?} in the group {:?} of {stream:?}", new.group)),
                ),
                _ => ("streams", of_one(format!("the stream {stream:?} in the group {:?}", new.group))),
            }
        }
        _ => return None,
    })
}

fn is_one(other: &JetStreamConsumer, new: &JetStreamConsumer) -> bool {
    (&other.stream, &other.durable) == (&new.stream, &new.durable)
}

/// A subject of `new` that a subject of `other` takes messages of.
fn overlap(other: &NatsQueue, new: &NatsQueue) -> Option<String> {
    let has_both = |subject: &&String| other.subjects.iter().any(|it| may_be_one(it, subject));
    let subject = new.subjects.iter().find(has_both)?;
    Some(format!("{subject:?} in the group {:?}", new.group))
}

/// Whether a subject can be of both patterns.
fn may_be_one(one: &str, other: &str) -> bool {
    let (mut ours, mut theirs) = (one.split('.'), other.split('.'));
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some(">"), Some(_)) | (Some(_), Some(">")) => return true,
            (Some(our), Some(their)) if our == their || our == "*" || their == "*" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::may_be_one;

    #[test]
    fn patterns_that_a_subject_can_be_of_overlap() {
        for (one, other) in
            [("a", "a"), ("a.*", "a.b"), ("a.>", "a.b.c"), ("*.b", "a.*"), (">", "a"), ("a.>", "*.b")]
        {
            assert!(may_be_one(one, other) && may_be_one(other, one), "{one} {other}");
        }
        for (one, other) in [("a", "b"), ("a", "a.b"), ("a.>", "a"), ("a.*", "a.b.c"), ("*.b", "a.c")] {
            assert!(!may_be_one(one, other) && !may_be_one(other, one), "{one} {other}");
        }
    }
}
