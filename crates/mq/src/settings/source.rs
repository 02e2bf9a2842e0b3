//! What a source is made with.

use crate::{
    AmqpTopology, BrokerTls, Credentials, MqttSourceConfig, NsqSourceConfig, RecordTemplate, SaslMechanism,
};
use frontier_config::HostPort;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A source: what is read from a broker, for whom, and how.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// Its name, in logs and metrics.
    pub name: Arc<str>,
    /// Who gets the messages.
    pub target: Target,
    /// Messages of one key are delivered one after the other. `None` for the EdgeID where there is one, and else for no
    /// order.
    pub key: Option<RecordTemplate>,
    /// What it may hold, and for how long.
    pub bounds: SourceBounds,
    /// How often a message is tried.
    pub retry: Retry,
    /// Where messages go that can't be delivered.
    pub dead_letter: DeadLetter,
    /// The broker.
    pub backend: SourceBackendConfig,
    /// Differs where one of the secrets does, which show nothing of themselves.
    pub secrets: u64,
}

/// Who gets the messages of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One edge.
    Edge {
        /// Its EdgeID.
        id: RecordTemplate,
        /// As what it gets them.
        request: RequestTemplate,
    },
    /// All edges of this gateway that have these labels.
    Labels {
        /// The labels.
        labels: Vec<(Box<str>, Box<str>)>,
        /// As what they get them.
        request: RequestTemplate,
    },
    /// A service that takes the topic, or has the method.
    Service {
        /// The EdgeID of the edge in whose name it gets them; `None` for none.
        from: Option<RecordTemplate>,
        /// As what it gets them.
        request: RequestTemplate,
    },
}

/// What a message becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTemplate {
    /// A call, or else a message.
    pub is_call: bool,
    /// The method, or the topic.
    pub name: RecordTemplate,
}

/// What a source may hold, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceBounds {
    /// Messages that it holds and that are on their way, or may go.
    pub messages: usize,
    /// The same in bytes, beyond which no more are read.
    pub bytes: usize,
    /// Messages that it holds beside these while they wait: for receivers that are not there, for another attempt, or behind
    /// another one of their key. More take the places of the others.
    pub waiting: usize,
    /// The same in bytes.
    pub waiting_bytes: usize,
    /// How long a receiver has for one message.
    pub timeout: Duration,
    /// How long the broker may owe an answer.
    pub silence: Duration,
    /// How long a connection may take, the handshake included.
    pub connect_timeout: Duration,
    /// The longest pause between attempts to connect.
    pub max_backoff: Duration,
}

/// How often a message is tried, and with which pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts that a receiver may fail.
    pub attempts: u32,
    /// The pause behind the first; each later one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub max: Duration,
    /// How long a receiver that is not there is waited for, for all messages together; `None` for ever.
    pub wait: Option<Duration>,
}

/// Where messages go that can't be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetter {
    /// A line of JSON each in this file, which may have so many bytes.
    File(PathBuf, u64),
    /// The broker is told that it was refused, and does what it is set up to do.
    Reject,
    /// Nowhere: they are counted.
    Drop,
}

/// A broker that a source reads from.
#[derive(Clone, Debug)]
pub enum SourceBackendConfig {
    /// A queue of AMQP.
    Amqp(AmqpSourceConfig, AmqpQueueConsumer),
    /// A consumer group of Kafka.
    Kafka(KafkaSourceConfig, KafkaGroup),
    /// Topics of MQTT.
    Mqtt(Box<MqttSourceConfig>),
    /// A consumer of JetStream.
    JetStream(NatsSourceConfig, JetStreamConsumer),
    /// A queue group of core NATS, which gets each message once at most.
    NatsQueue(NatsSourceConfig, NatsQueue),
    /// A channel of NSQ.
    Nsq(Box<NsqSourceConfig>),
    /// Streams of Redis.
    RedisStreams(RedisSourceConfig),
}

impl SourceBackendConfig {
    /// Whether it was built with this binary.
    #[must_use]
    pub fn is_built(&self) -> bool {
        match self {
            Self::Amqp(..) => cfg!(feature = "amqp"),
            Self::Kafka(..) => cfg!(feature = "kafka"),
            Self::Mqtt(_) => cfg!(feature = "mqtt"),
            Self::JetStream(..) | Self::NatsQueue(..) => cfg!(feature = "nats"),
            Self::Nsq(_) => cfg!(feature = "nsq"),
            Self::RedisStreams(_) => cfg!(feature = "redis"),
        }
    }
}

impl SourceBounds {
    /// Messages that it holds, at most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.messages.saturating_add(self.waiting)
    }
}

impl SourceBackendConfig {
    /// Whether the broker gives out again what was not acked.
    #[must_use]
    pub fn gives_out_again(&self) -> bool {
        match self {
            Self::Mqtt(mqtt) => mqtt.session.is_some(),
            Self::NatsQueue(..) => false,
            Self::Amqp(..) | Self::Kafka(..) | Self::JetStream(..) | Self::Nsq(_) | Self::RedisStreams(_) => {
                true
            }
        }
    }
}

/// Servers of AMQP, as a source reads from them.
#[derive(Clone, Debug)]
pub struct AmqpSourceConfig {
    /// Its servers, tried in turn.
    pub addrs: Vec<HostPort>,
    /// By what the gateway is known there.
    pub credentials: Credentials,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// The virtual host.
    pub vhost: String,
    /// Bytes of a frame, at most.
    pub frame_size: u32,
    /// How often both give a sign of life.
    pub heartbeat: Duration,
    /// What is declared at each connect.
    pub topology: AmqpTopology,
}

/// A consumer of a queue.
#[derive(Clone, Debug)]
pub struct AmqpQueueConsumer {
    /// The queue.
    pub queue: String,
    /// Whether there may be no other consumer.
    pub exclusive: bool,
}

/// Brokers of Kafka, as a source reads from them.
#[derive(Clone, Debug)]
pub struct KafkaSourceConfig {
    /// Some brokers, which tell of the others.
    pub addrs: Vec<HostPort>,
    /// User and password.
    pub credentials: Credentials,
    /// How the password is shown.
    pub mechanism: SaslMechanism,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
}

/// A consumer group of Kafka.
#[derive(Clone, Debug)]
pub struct KafkaGroup {
    /// The topics that it reads.
    pub topics: Vec<String>,
    /// Its name.
    pub group: String,
    /// Whether it begins with what is there already in a topic of which it has committed nothing.
    pub from_beginning: bool,
    /// How many records of a partition are read beyond its first one that has not ended: so many may come twice.
    pub max_ahead: usize,
}

/// Servers of NATS, as a source reads from them.
#[derive(Clone, Debug)]
pub struct NatsSourceConfig {
    /// Its servers, tried in turn.
    pub addrs: Vec<HostPort>,
    /// By what the gateway is known there.
    pub credentials: Credentials,
    /// `None` for none, unless the server asks for it.
    pub tls: Option<BrokerTls>,
}

/// A durable consumer of a stream of JetStream, which may be shared.
#[derive(Clone, Debug)]
pub struct JetStreamConsumer {
    /// The stream.
    pub stream: String,
    /// The name of the consumer, which is made where it is not there.
    pub durable: String,
    /// Of which subject one that is made is; `None` for all of the stream.
    pub filter: Option<String>,
    /// Whether one that is made begins with what is in the stream already.
    pub from_beginning: bool,
    /// How long the server waits for an ack or a sign of life, of one that is made.
    pub ack_wait: Duration,
}

/// A queue group of core NATS.
#[derive(Clone, Debug)]
pub struct NatsQueue {
    /// What is subscribed to, with wildcards or without.
    pub subjects: Vec<String>,
    /// The group, of which one member gets each message.
    pub group: String,
}

/// Streams of Redis, as a source reads them.
#[derive(Clone, Debug)]
pub struct RedisSourceConfig {
    /// Servers, of which the first that is a master is used; or some nodes of a cluster.
    pub addrs: Vec<HostPort>,
    /// User and password.
    pub credentials: Credentials,
    /// The number of the database.
    pub db: u16,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// The keys of the streams.
    pub streams: Vec<String>,
    /// The group, which is made where it is not there.
    pub group: String,
    /// What this consumer is called in the group; `None` for another name at each start.
    pub consumer: Option<String>,
    /// Whether a group that is made begins with what is in the stream already.
    pub from_beginning: bool,
    /// How long another consumer may hold an entry without a sign of life, until this one takes it.
    pub claim_after: Duration,
    /// The field that is the payload; `None` where all fields together are, as JSON.
    pub payload: Option<String>,
    /// The field as which the id of the entry goes along; `None` for none.
    pub id_field: Option<String>,
}
