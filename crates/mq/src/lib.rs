//! Message brokers: sinks that send messages and tell when the broker has confirmed them, and sources that read messages
//! and tell the broker when their receivers have acked them. It knows nothing of edges,
//! services or the exchange.
//!
//! ```text
//!   Sink::send ─▶ Pending: waiting ─▶ Session of a broker ─▶ the broker
//!                    │       ▲             │                    │
//!                    │       └─ not sent ──┤◀─────(confirms)────┘
//!                    └─(deadline)─▶ Confirm ◀─ confirmed, refused
//! ```
//!
//! A [`Sink`] is one connection to one broker. [`Sink::send`] waits for nothing: a message is taken, or refused at
//! once. Each message that is taken ends exactly once, in [`Confirm`]: the broker has confirmed it, or there is a
//! [`SendError`] that says whether it may have been stored all the same. Messages go out in the order in which they
//! were taken; whatever waits goes out together.
//!
//! With a [spool](OpenSpool) a sink takes messages whatever its broker does: what can't be confirmed now is written to disk.
//!
//! A [`Source`] is one consumer of one broker: what it reads goes out by [`Receive`], and back comes what became of it.
//!
//! A [backend](BackendConfig) is a feature of this crate: `amqp`, `kafka`, `mqtt`, `nats`, `nsq` and `redis`, all on by default.

#[cfg(feature = "amqp")]
mod amqp;
mod backend;
#[cfg(any(feature = "amqp", feature = "mqtt", feature = "nsq"))]
mod dial;
#[cfg(any(feature = "nsq", feature = "redis"))]
mod envelope;
mod error;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(any(feature = "amqp", feature = "mqtt", feature = "nsq"))]
mod link;
mod message;
mod metrics;
#[cfg(feature = "mqtt")]
mod mqtt;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "nsq")]
mod nsq;
mod pending;
mod probe;
#[cfg(feature = "redis")]
mod redis;
mod settings;
mod sink;
mod source;
mod spool;
mod supervisor;
mod template;
mod text;

pub use error::{Cause, SendError};
pub use message::{Confirm, Job, Message, MessageId, Outcome};
pub use metrics::{SinkMetrics, SinkStatus};
pub use probe::{Finding, Place, probe_sink, probe_source};
pub use settings::{
    AmqpBinding, AmqpConfig, AmqpExchange, AmqpProperties, AmqpQueue, AmqpQueueConsumer, AmqpSourceConfig,
    AmqpTopology, BackendConfig, Bounds, BrokerTls, Credentials, DeadLetter, Format, JetStreamConfig,
    JetStreamConsumer, KafkaCompression, KafkaConfig, KafkaGroup, KafkaSourceConfig, MqttConfig,
    MqttSourceConfig, NatsConfig, NatsQueue, NatsSourceConfig, NsqConfig, NsqSourceConfig, RedisConfig,
    RedisSourceConfig, RedisTarget, RequestTemplate, Retry, SaslMechanism, SinkConfig, SourceBackendConfig,
    SourceBounds, SourceConfig, SpoolConfig, Target, WhenFull, is_mqtt_text, is_valid_kafka_topic,
    is_valid_mqtt_filter, is_valid_mqtt_topic, is_valid_nsq_name, is_valid_subject,
};
pub use sink::{Room, Sink, StartError};
pub use source::{
    Answer, Delivery, HadBy, Receive, Recipient, Record, RecordTemplate, RecordTemplateError, Source,
    SourceCount, SourceHandle, SourceMetrics, SourceStatus,
};
pub use spool::{OpenSpool, SpoolCount, SpoolError, SpoolStatus};
pub use template::{Template, TemplateError};
