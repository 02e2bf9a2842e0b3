//! Kafka. As a sink: each record is acked by all replicas in sync, by an idempotent producer, with the EdgeID as its key.

mod connect;
mod group_reader;
mod produce;
mod progress;
mod refusal;
mod topic;

pub(crate) use group_reader::GroupReader;

use crate::backend::{Backend, Session};
use crate::pending::Pending;
use crate::{Bounds, Cause, KafkaConfig, Message, SendError, is_valid_kafka_topic, sink};
use krafka::producer::Producer;
use krafka::{CloseOptions, Record};
use produce::Publisher;
use std::sync::Arc;
use std::time::Duration;

/// Kafka, as a sink connects to it.
#[derive(Clone, Debug)]
pub(crate) struct Kafka {
    settings: Arc<Settings>,
}

/// What all connections of one sink have in common.
#[derive(Debug)]
pub(crate) struct Settings {
    name: &'static str,
    config: KafkaConfig,
    bounds: Bounds,
    /// Tells the messages of this start of the gateway from all others.
    boot: u64,
}

impl Settings {
    fn topic(&self, message: &Message) -> String {
        self.config.topic.name(&message.topic, &message.edge_id.to_string())
    }

    /// How long the library may try to deliver a record: it says then what it knows, just before a message of the full
    /// time is over.
    fn delivery_timeout(&self) -> Duration {
        self.bounds.timeout * 9 / 10
    }

    /// What the message becomes. Its timestamp is the gateway's: that of an edge may be refused, or deleted at once.
    fn record(&self, number: u64, message: &Message) -> Record {
        let mut record = Record::new(self.topic(message), message.payload.clone())
            .header("Frontier-Topic", message.topic.to_string())
            .header("Frontier-Message-Id", format!("{:016x}-{number}", self.boot));
        for (name, value) in message.origin() {
            record = record.header(name, value.into_owned());
        }
        record = match &message.job {
            None => record.key(message.edge_id.to_be_bytes().to_vec()),
            Some(job) if !job.name.is_empty() => record.key(job.name.as_bytes().to_vec()),
            // Any partition will do.
            Some(_) => record,
        };
        if !message.custom.is_empty() {
            record = record.header("Frontier-Custom", message.custom.clone());
        }
        if !message.labels.is_empty() {
            record = record.header("Frontier-Labels", message.encoded_labels());
        }
        record
    }
}

impl Kafka {
    pub(crate) fn new(config: &KafkaConfig, name: &'static str, bounds: Bounds) -> Self {
        let settings = Settings { name, config: config.clone(), bounds, boot: rand::random() };
        Self { settings: Arc::new(settings) }
    }
}

impl Backend for Kafka {
    type Session = KafkaSession;

    /// It does by the producer that sent it first, which the library keeps while it reconnects by itself. A new session is
    /// a new producer.
    const RECOGNIZES: bool = false;

    fn check(&self, message: &Message) -> Result<(), SendError> {
        let settings = &self.settings;
        let (name, topic) = (settings.name, settings.topic(message));
        if !is_valid_kafka_topic(&topic) {
            return Err(SendError::new(Cause::Refused, format!("{name}: {topic:?} is no topic of Kafka")));
        }
        let (size, max) =
            (settings.record(u64::MAX, message).estimated_size(), settings.config.max_message_size);
        if size > max { Err(sink::too_large(name, size, max)) } else { Ok(()) }
    }

    async fn connect(&mut self) -> Result<KafkaSession, String> {
        let producer = connect::connect(&self.settings).await?;
        Ok(KafkaSession { producer: Arc::new(producer), settings: self.settings.clone() })
    }
}

/// A producer, and whatever connections it has.
pub(crate) struct KafkaSession {
    producer: Arc<Producer>,
    settings: Arc<Settings>,
}

impl Session for KafkaSession {
    async fn run(&mut self, pending: &Pending) -> String {
        Publisher::new(self.producer.clone(), self.settings.clone()).run(pending).await
    }
}

impl Drop for KafkaSession {
    /// What the library still has must not come behind what the next session sends.
    fn drop(&mut self) {
        let producer = self.producer.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Nobody waits for it, and what it had is told as lost.
                let _ = producer.close_with(CloseOptions::new().timeout(Duration::ZERO)).await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credentials, Job, KafkaCompression, SaslMechanism, Template};
    use bytes::Bytes;

    fn kafka(topic: &str, max_message_size: usize) -> Kafka {
        let config = KafkaConfig {
            addrs: Vec::new(),
            credentials: Credentials::default(),
            mechanism: SaslMechanism::Plain,
            tls: None,
            topic: Template::parse(topic).unwrap(),
            create_topics: false,
            compression: KafkaCompression::None,
            compression_level: None,
            max_message_size,
        };
        let second = Duration::from_secs(1);
        let bounds =
            Bounds { messages: 1, bytes: 1, timeout: second, connect_timeout: second, max_backoff: second };
        Kafka::new(&config, "kafka", bounds)
    }

    #[test]
    fn what_could_never_be_sent_is_refused_before() {
        let message = |topic: &str, len| Message {
            edge_id: 7,
            job: None,
            topic: topic.into(),
            custom: Bytes::from_static(b"c"),
            labels: vec![("a".into(), "b".into())],
            payload: Bytes::from(vec![0; len]),
        };
        let cause = |kafka: &Kafka, message: &Message| kafka.check(message).map_err(|error| error.cause);
        let small = kafka("edge-{edge_id}.{topic}", 1000);
        assert_eq!(cause(&small, &message("temp", 100)), Ok(()));
        assert_eq!(cause(&small, &message("temp", 1000)), Err(Cause::TooLarge));
        assert_eq!(cause(&small, &message("a b", 1)), Err(Cause::Refused));
        let record = small.settings.record(5, &message("temp", 1));
        assert_eq!(record.key.as_deref(), Some(&7_u64.to_be_bytes()[..]));
        assert_eq!((&*record.topic, record.headers.len()), ("edge-7.temp", 5));
        let of_job = |name: &str| {
            let job = Job { name: name.into(), ..Job::default() };
            Message { edge_id: 0, job: Some(Box::new(job)), ..message("temp", 1) }
        };
        assert_eq!(small.settings.record(5, &of_job("j")).key.as_deref(), Some(&b"j"[..]));
        assert_eq!(small.settings.record(5, &of_job("")).key, None);
    }
}
