//! NSQ: each message is published to one nsqd, which says that it has it. Nothing more is promised: it writes to disk later,
//! if at all.

mod command;
mod connect;
mod consume;
mod denied;
mod frame;
mod held;
mod lookup;
mod node;
mod probe;
mod publish;
mod refusal;

pub(crate) use consume::Consumer;
pub(crate) use probe::{look, look_up};

use crate::backend::{Backend, Session};
use crate::dial::first_of;
use crate::envelope::envelope;
use crate::pending::Pending;
use crate::{Bounds, Cause, Format, Message, NsqConfig, SendError, is_valid_nsq_name, sink};
use bytes::Bytes;
use connect::Access;
use denied::Denied;
use parking_lot::Mutex;
use publish::Publisher;
use std::sync::Arc;
use tokio::time::Instant;

/// NSQ, as a sink connects to it.
#[derive(Clone, Debug)]
pub(crate) struct Nsq {
    settings: Arc<Settings>,
    /// Which of the addresses is tried first.
    first: usize,
}

/// What all connections of one sink have in common.
#[derive(Debug)]
struct Settings {
    name: &'static str,
    config: NsqConfig,
    bounds: Bounds,
    /// Tells the messages of this start of the gateway from all others.
    boot: u64,
    denied: Mutex<Denied>,
}

impl Settings {
    fn topic(&self, message: &Message) -> String {
        self.config.topic.name(&message.topic, &message.edge_id.to_string())
    }

    fn body(&self, message: &Message, number: u64) -> Bytes {
        match self.config.format {
            Format::Payload => message.payload.clone(),
            Format::Json => envelope(message, &message.id(self.boot, number).to_string()).into(),
        }
    }

    fn check_size(&self, size: usize) -> Result<(), SendError> {
        let said = self.denied.lock().max_size(Instant::now());
        let max = said.map_or(self.config.max_message_size, |said| said.min(self.config.max_message_size));
        if size > max {
            return Err(sink::too_large(self.name, size, max));
        }
        Ok(())
    }
}

impl Nsq {
    pub(crate) fn new(config: &NsqConfig, name: &'static str, bounds: Bounds) -> Self {
        let settings =
            Settings { name, config: config.clone(), bounds, boot: rand::random(), denied: Mutex::default() };
        Self { settings: Arc::new(settings), first: 0 }
    }
}

impl Backend for Nsq {
    type Session = NsqSession;

    /// A message that is published once more is there twice.
    const RECOGNIZES: bool = false;

    /// Whatever a server would end the connection for is refused here.
    fn check(&self, message: &Message) -> Result<(), SendError> {
        let (name, topic) = (self.settings.name, self.settings.topic(message));
        if !is_valid_nsq_name(&topic) {
            return Err(SendError::new(Cause::Refused, format!("{name}: {topic:?} is no topic of NSQ")));
        }
        let size = self.settings.body(message, u64::MAX).len();
        if size == 0 {
            return Err(SendError::new(
                Cause::Refused,
                format!("{name}: NSQ takes no message that is empty"),
            ));
        }
        self.settings.check_size(size)
    }

    async fn connect(&mut self) -> Result<NsqSession, String> {
        let settings = &self.settings;
        let config = &settings.config;
        let access = Access {
            name: settings.name,
            credentials: &config.credentials,
            tls: config.tls.as_ref(),
            heartbeat: config.heartbeat,
            message_timeout: None,
        };
        let connecting = |addr| connect::connect(access, addr);
        let within = settings.bounds.connect_timeout;
        let (opened, next) = first_of(&config.addrs, self.first, within, connecting).await?;
        self.first = next;
        Ok(NsqSession { opened: Some(opened), settings: settings.clone() })
    }
}

/// A connection to an nsqd.
pub(crate) struct NsqSession {
    opened: Option<connect::Opened>,
    settings: Arc<Settings>,
}

impl Session for NsqSession {
    async fn run(&mut self, pending: &Pending) -> String {
        match self.opened.take() {
            Some(opened) => Publisher::new(opened, self.settings.clone()).run(pending).await,
            None => "the connection was used before".to_owned(),
        }
    }
}
