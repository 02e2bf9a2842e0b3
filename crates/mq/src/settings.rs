//! What a sink is made with.

mod amqp;
mod kafka;
mod mqtt;
mod nsq;
mod source;
mod spool;

pub use amqp::{AmqpBinding, AmqpConfig, AmqpExchange, AmqpProperties, AmqpQueue, AmqpTopology};
pub use kafka::{KafkaCompression, KafkaConfig, SaslMechanism, is_valid_kafka_topic};
pub use mqtt::{MqttConfig, MqttSourceConfig, is_mqtt_text, is_valid_mqtt_filter, is_valid_mqtt_topic};
pub use nsq::{NsqConfig, NsqSourceConfig, is_valid_nsq_name};
pub use source::{
    AmqpQueueConsumer, AmqpSourceConfig, DeadLetter, JetStreamConsumer, KafkaGroup, KafkaSourceConfig,
    NatsQueue, NatsSourceConfig, RedisSourceConfig, RequestTemplate, Retry, SourceBackendConfig,
    SourceBounds, SourceConfig, Target,
};

pub use spool::{SpoolConfig, WhenFull};

use crate::Template;
use frontier_config::{HostPort, Secret};
use std::path::PathBuf;
use std::time::Duration;

/// A sink: which topics go to which broker, and how.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// Its name, in logs and metrics.
    pub name: &'static str,
    /// The topics that go there.
    pub topics: Vec<String>,
    /// What it may hold, and for how long.
    pub bounds: Bounds,
    /// The broker.
    pub backend: BackendConfig,
}

/// What a sink may hold, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages that wait or are in flight.
    pub messages: usize,
    /// The same in bytes.
    pub bytes: usize,
    /// How long a message may take from being taken to being confirmed. A broker that answers nothing for so long is left.
    pub timeout: Duration,
    /// How long a connection may take, the handshake included.
    pub connect_timeout: Duration,
    /// The longest pause between attempts to connect.
    pub max_backoff: Duration,
}

/// A broker.
#[derive(Clone, Debug)]
pub enum BackendConfig {
    /// AMQP 0-9-1.
    Amqp(Box<AmqpConfig>),
    /// Kafka.
    Kafka(KafkaConfig),
    /// MQTT 5.
    Mqtt(Box<MqttConfig>),
    /// Core NATS, or JetStream.
    Nats(NatsConfig),
    /// NSQ.
    Nsq(Box<NsqConfig>),
    /// Redis.
    Redis(RedisConfig),
}

impl BackendConfig {
    /// Whether it was built with this binary.
    #[must_use]
    pub fn is_built(&self) -> bool {
        match self {
            Self::Amqp(_) => cfg!(feature = "amqp"),
            Self::Kafka(_) => cfg!(feature = "kafka"),
            Self::Mqtt(_) => cfg!(feature = "mqtt"),
            Self::Nats(_) => cfg!(feature = "nats"),
            Self::Nsq(_) => cfg!(feature = "nsq"),
            Self::Redis(_) => cfg!(feature = "redis"),
        }
    }
}

/// NATS.
#[derive(Clone, Debug)]
pub struct NatsConfig {
    /// Its servers, tried in turn.
    pub addrs: Vec<HostPort>,
    /// By what the gateway is known there.
    pub credentials: Credentials,
    /// `None` for none, unless the server asks for it.
    pub tls: Option<BrokerTls>,
    /// The subject that a message goes to.
    pub subject: Template,
    /// `None` for core NATS, where nothing is stored.
    pub jetstream: Option<JetStreamConfig>,
}

/// A stream of JetStream.
#[derive(Clone, Debug, Default)]
pub struct JetStreamConfig {
    /// The stream that is made if it is not there; `None` where somebody else makes it.
    pub create: Option<String>,
}

/// Redis.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// Servers, of which the first that is a master is used; or some nodes of a cluster.
    pub addrs: Vec<HostPort>,
    /// User and password.
    pub credentials: Credentials,
    /// The number of the database.
    pub db: u16,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// What messages become there.
    pub target: RedisTarget,
}

/// What a message becomes in Redis.
#[derive(Clone, Debug)]
pub enum RedisTarget {
    /// It is published: nothing is stored.
    Channel {
        /// The channel.
        channel: Template,
        /// What of the message is published.
        format: Format,
        /// Whether it is an error that nobody has subscribed.
        needs_subscriber: bool,
    },
    /// An entry of a stream.
    Stream {
        /// The key of the stream.
        key: Template,
        /// How many entries are kept, at least; `None` for all.
        max_len: Option<u64>,
        /// Whether a stream that is not there is made.
        create: bool,
    },
}

/// What of a message is published where there are no headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The payload.
    #[default]
    Payload,
    /// JSON with EdgeID, topic, custom header, labels and payload.
    Json,
}

/// By what the gateway is known to a broker.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The user's name.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// A token, where the broker knows such.
    pub token: Option<Secret>,
}

/// TLS to a broker. The files are read at each connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerTls {
    /// PEM of the authorities to trust; empty for those of the system.
    pub ca_certs: Vec<PathBuf>,
    /// PEM of the certificate and the key to show; `None` for none.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Whether a message can be published to this subject of NATS: no wildcards, no empty tokens, no spaces. A server takes
/// some of them literally, and others for a subject that no stream has.
#[must_use]
pub fn is_valid_subject(subject: &str) -> bool {
    let is_token = |token: &str| {
        !token.is_empty()
            && token != "*"
            && token != ">"
            && !token.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    subject.split('.').all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_without_wildcards_and_gaps_are_valid() {
        for subject in ["a", "a.b", "plant.7.temp", "a*b", "$x"] {
            assert!(is_valid_subject(subject), "{subject}");
        }
        for subject in ["", ".", "a..b", ".a", "a.", "a b", "a.*", ">", "a.>", "a\r\nPUB b"] {
            assert!(!is_valid_subject(subject), "{subject}");
        }
    }
}
