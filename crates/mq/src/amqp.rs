//! AMQP 0-9-1, as RabbitMQ speaks it. As a sink: each message is published as mandatory, and confirmed once every queue that it goes
//! to has it.

mod connect;
mod content;
mod decode;
mod encode;
mod fields;
mod probe;
mod publish;
mod queue_reader;
mod refusal;
mod topology;
mod window;
mod wire;

pub(crate) use probe::look;
pub(crate) use queue_reader::QueueReader;

use crate::backend::{Backend, Session};
use crate::dial::first_of;
use crate::pending::Pending;
use crate::{AmqpConfig, Bounds, Cause, Message, SendError, sink};
use connect::Login;
use encode::{MAX_SHORT, Properties, Table};
use publish::Publisher;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// AMQP, as a sink connects to it.
#[derive(Clone, Debug)]
pub(crate) struct Amqp {
    settings: Arc<Settings>,
    /// Which of the addresses is tried first.
    first: usize,
}

/// What all connections of one sink have in common.
#[derive(Debug)]
pub(crate) struct Settings {
    name: &'static str,
    config: AmqpConfig,
    bounds: Bounds,
    /// Tells the messages of this start of the gateway from all others.
    boot: u64,
    /// Bytes of a payload that the broker takes, as far as it has said so.
    max_size: AtomicUsize,
}

impl Settings {
    fn login(&self) -> Login<'_> {
        let config = &self.config;
        Login {
            name: self.name,
            credentials: &config.credentials,
            tls: config.tls.as_ref(),
            vhost: &config.vhost,
            frame_size: config.frame_size,
            heartbeat: config.heartbeat,
        }
    }

    fn routing_key(&self, message: &Message) -> String {
        self.config.routing_key.name(&message.topic, &message.edge_id.to_string())
    }

    /// The number in this id, by which a message that comes back is recognized.
    fn number(&self, id: &str) -> Option<u64> {
        id.rsplit_once('-').and_then(|(_, number)| number.parse().ok())
    }

    fn check_size(&self, message: &Message) -> Result<(), SendError> {
        let (size, max) = (message.payload.len(), self.max_size.load(Ordering::Relaxed));
        if size > max { Err(sink::too_large(self.name, size, max)) } else { Ok(()) }
    }

    fn properties<'a>(&'a self, message: &Message, id: &'a str, timestamp: u64) -> Properties<'a> {
        let config = &self.config;
        let mut headers = Table::default();
        for (name, value) in message.origin() {
            headers.text(name, &value);
        }
        // A job names an exchange and a routing key itself, and these come with each message anyway.
        if message.job.is_none() {
            headers.text("Frontier-Topic", &message.topic);
        }
        if !message.custom.is_empty() {
            headers.bytes("Frontier-Custom", &message.custom);
        }
        if !message.labels.is_empty() {
            headers.text("Frontier-Labels", &message.encoded_labels());
        }
        let properties = &config.properties;
        Properties {
            content_type: &properties.content_type,
            content_encoding: &properties.content_encoding,
            headers,
            delivery_mode: if config.is_persistent { 2 } else { 1 },
            priority: properties.priority,
            reply_to: &properties.reply_to,
            expiration: &properties.expiration,
            message_id: id,
            timestamp,
            kind: &properties.kind,
            user_id: &properties.user_id,
            app_id: &properties.app_id,
        }
    }
}

impl Amqp {
    pub(crate) fn new(config: &AmqpConfig, name: &'static str, bounds: Bounds) -> Self {
        let settings = Settings {
            name,
            config: config.clone(),
            bounds,
            boot: rand::random(),
            max_size: AtomicUsize::new(usize::MAX),
        };
        Self { settings: Arc::new(settings), first: 0 }
    }
}

impl Backend for Amqp {
    type Session = AmqpSession;

    /// A message that is published once more is there twice.
    const RECOGNIZES: bool = false;

    fn check(&self, message: &Message) -> Result<(), SendError> {
        self.settings.check_size(message)?;
        let len = self.settings.routing_key(message).len();
        if len > MAX_SHORT {
            let name = self.settings.name;
            let text = format!("{name}: a routing key of {len} bytes is over what AMQP takes, {MAX_SHORT}");
            return Err(SendError::new(Cause::Refused, text));
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<AmqpSession, String> {
        let Settings { config, bounds, .. } = &*self.settings;
        let login = self.settings.login();
        let connecting = |addr| connect::connect(&login, addr, &config.topology);
        let (opened, next) = first_of(&config.addrs, self.first, bounds.connect_timeout, connecting).await?;
        // If it is lost, another is tried before.
        self.first = next;
        // What it takes may have been changed.
        self.settings.max_size.store(usize::MAX, Ordering::Relaxed);
        Ok(AmqpSession { opened: Some(opened), settings: self.settings.clone() })
    }
}

/// A connection to a server of AMQP.
pub(crate) struct AmqpSession {
    opened: Option<connect::Opened>,
    settings: Arc<Settings>,
}

impl Session for AmqpSession {
    async fn run(&mut self, pending: &Pending) -> String {
        match self.opened.take() {
            Some(opened) => Publisher::new(opened, self.settings.clone(), pending).run(pending).await,
            None => "the connection was used before".to_owned(),
        }
    }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
