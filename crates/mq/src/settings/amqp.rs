//! AMQP 0-9-1, as RabbitMQ speaks it.

use super::{BrokerTls, Credentials};
use crate::Template;
use frontier_config::HostPort;
use std::time::Duration;

/// AMQP.
#[derive(Clone, Debug)]
pub struct AmqpConfig {
    /// Its servers, tried in turn.
    pub addrs: Vec<HostPort>,
    /// User and password; without them the certificate, if there is one, or `guest`.
    pub credentials: Credentials,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// The virtual host.
    pub vhost: String,
    /// Bytes of a frame, at most; the server may say less.
    pub frame_size: u32,
    /// Between signs of life, two of which may be missing; the server may say less. Whole seconds.
    pub heartbeat: Duration,
    /// The exchange that messages are published to; empty for the one that takes the names of queues.
    pub exchange: String,
    /// The routing key of a message.
    pub routing_key: Template,
    /// Whether it is an error that no queue takes a message.
    pub mandatory: bool,
    /// Whether messages survive a restart of the server, in queues that do.
    pub is_persistent: bool,
    /// What else messages have.
    pub properties: AmqpProperties,
    /// What is declared at each connect.
    pub topology: AmqpTopology,
}

/// What is declared.
#[derive(Clone, Debug, Default)]
pub struct AmqpTopology {
    /// Exchanges.
    pub exchanges: Vec<AmqpExchange>,
    /// Queues.
    pub queues: Vec<AmqpQueue>,
    /// Bindings of queues to exchanges.
    pub bindings: Vec<AmqpBinding>,
}

/// Properties of all messages; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AmqpProperties {
    /// The MIME type of payloads.
    pub content_type: String,
    /// The encoding of payloads.
    pub content_encoding: String,
    /// 0 to 255.
    pub priority: u8,
    /// Where answers would go.
    pub reply_to: String,
    /// After so many milliseconds a queue drops it.
    pub expiration: String,
    /// The type of messages.
    pub kind: String,
    /// The user, whom the server compares with the one that has logged in.
    pub user_id: String,
    /// The application.
    pub app_id: String,
}

/// An exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AmqpExchange {
    /// Its name.
    pub name: String,
    /// `direct`, `fanout`, `topic`, `headers`, or what a plug-in brings.
    pub kind: String,
    /// Survives a restart of the server.
    pub durable: bool,
    /// Goes with its last binding.
    pub auto_delete: bool,
    /// Takes from other exchanges alone.
    pub internal: bool,
}

/// A queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AmqpQueue {
    /// Its name.
    pub name: String,
    /// `classic`, `quorum` or `stream`; `None` for the server's default.
    pub kind: Option<String>,
    /// Survives a restart of the server.
    pub durable: bool,
    /// Belongs to this connection, and goes with it.
    pub exclusive: bool,
    /// Goes with its last consumer.
    pub auto_delete: bool,
}

/// A queue that takes from an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AmqpBinding {
    /// The queue.
    pub queue: String,
    /// The exchange.
    pub exchange: String,
    /// The routing keys, as the exchange understands them.
    pub key: String,
}
