//! NATS: core, where the server takes a message and keeps nothing, and JetStream, where a stream stores it.

mod connect;
mod core;
mod events;
mod headers;
mod jetstream;
mod probe;
mod queue_group;
mod record;
mod stream;
mod stream_reader;

pub(crate) use probe::{look, look_at_consumer};
pub(crate) use queue_group::QueueGroup;
pub(crate) use stream_reader::JetStreamReader;

use crate::backend::{Backend, Session};
use crate::pending::Pending;
use crate::{Bounds, Cause, Message, NatsConfig, SendError, SinkConfig, is_valid_subject};
use connect::{Access, Connected};
use std::sync::Arc;

/// Messages that are handed to the library together.
const BATCH: usize = 256;

/// The same in bytes.
const BATCH_SIZE: usize = 1 << 20;

/// NATS, as a sink connects to it.
#[derive(Clone, Debug)]
pub(crate) struct Nats {
    settings: Arc<Settings>,
    /// Which of the addresses is tried first.
    first: usize,
}

/// What all connections of one sink have in common.
#[derive(Debug)]
pub(crate) struct Settings {
    name: &'static str,
    config: NatsConfig,
    topics: Vec<String>,
    bounds: Bounds,
    /// Tells the messages of this start of the gateway from all others.
    boot: u64,
}

impl Settings {
    /// The subject that the message goes to.
    fn subject(&self, message: &Message) -> String {
        self.config.subject.name(&message.topic, &message.edge_id.to_string())
    }

    /// By which a repeated message is recognized.
    fn message_id(&self, number: u64, message: &Message) -> String {
        message.id(self.boot, number).to_string()
    }
}

impl Nats {
    pub(crate) fn new(config: &NatsConfig, sink: &SinkConfig, bounds: Bounds) -> Self {
        let settings = Settings {
            name: sink.name,
            config: config.clone(),
            topics: sink.topics.clone(),
            bounds,
            boot: rand::random(),
        };
        Self { settings: Arc::new(settings), first: 0 }
    }
}

impl Backend for Nats {
    type Session = NatsSession;

    /// JetStream does, within the stream's `duplicate_window`, by `Nats-Msg-Id`. Core NATS does not, and there the
    /// session says so by itself.
    const RECOGNIZES: bool = true;

    fn check(&self, message: &Message) -> Result<(), SendError> {
        let subject = self.settings.subject(message);
        // The topic is in a header as well.
        if is_valid_subject(&subject) && !message.topic.chars().any(char::is_control) {
            return Ok(());
        }
        let text = format!("{}: {subject:?} is no subject of NATS", self.settings.name);
        Err(SendError::new(Cause::Refused, text))
    }

    async fn connect(&mut self) -> Result<NatsSession, String> {
        let count = self.settings.config.addrs.len().max(1);
        let first = self.first % count;
        // Whatever becomes of it, the next attempt begins with the next address.
        self.first = (first + 1) % count;
        let Settings { name, config, bounds, .. } = &*self.settings;
        let access = Access {
            name,
            addrs: &config.addrs,
            credentials: &config.credentials,
            tls: config.tls.as_ref(),
            timeout: bounds.connect_timeout,
            messages: bounds.messages,
            reads: false,
        };
        let connected = connect::connect(access, first).await?;
        if let Some(jetstream) = &self.settings.config.jetstream
            && let Some(stream) = &jetstream.create
        {
            stream::ensure(&connected.client, &self.settings, stream).await?;
        }
        Ok(NatsSession { connected, settings: self.settings.clone() })
    }
}

/// A connection to a server of NATS.
#[derive(Debug)]
pub(crate) struct NatsSession {
    connected: Connected,
    settings: Arc<Settings>,
}

impl Session for NatsSession {
    async fn run(&mut self, pending: &Pending) -> String {
        let Self { connected, settings } = self;
        match settings.config.jetstream {
            Some(_) => jetstream::run(connected, settings, pending).await,
            None => {
                let cause = core::run(connected, settings, pending).await;
                // They are not told apart when they come once more.
                pending.give_up(&cause);
                cause
            }
        }
    }
}
