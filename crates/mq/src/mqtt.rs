//! MQTT 5: each message is published with QoS 1, and confirmed by the server's ack and its reason.

mod connect;
mod decode;
mod encode;
mod probe;
mod publish;
mod reason;
mod refused;
mod subscribe;
mod unacked;
mod window;

pub(crate) use probe::look;
pub(crate) use subscribe::Subscriber;

use crate::backend::{Backend, Session};
use crate::dial::first_of;
use crate::pending::Pending;
use crate::{Bounds, Cause, Message, MqttConfig, SendError, is_mqtt_text, is_valid_mqtt_topic, sink};
use connect::Access;
use data_encoding::BASE64;
use encode::{MAX_REST, MAX_TEXT};
use parking_lot::Mutex;
use publish::Publisher;
use refused::Refused;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What clients are called that have no name in the configuration.
const NAME: &str = "frontier-";

/// What an alias of a topic adds to a message.
const ALIAS: usize = 3;

/// MQTT, as a sink connects to it.
#[derive(Clone, Debug)]
pub(crate) struct Mqtt {
    settings: Arc<Settings>,
    /// Which of the addresses is tried first.
    first: usize,
}

/// What all connections of one sink have in common.
#[derive(Debug)]
struct Settings {
    name: &'static str,
    config: MqttConfig,
    bounds: Bounds,
    client_id: String,
    /// Tells the messages of this start of the gateway from all others.
    boot: u64,
    /// Bytes of a packet that the server takes.
    max_size: AtomicUsize,
    refused: Mutex<Refused>,
}

/// What travels beside the payload: names and values.
type Properties<'m> = Vec<(&'static str, Cow<'m, str>)>;

impl Settings {
    fn topic(&self, message: &Message) -> String {
        self.config.topic.name(&message.topic, &message.edge_id.to_string())
    }

    fn properties<'m>(&self, message: &'m Message, number: u64) -> Properties<'m> {
        let mut properties = message.origin();
        properties.push(("Frontier-Topic", Cow::Borrowed(&*message.topic)));
        properties.push(("Frontier-Message-Id", message.id(self.boot, number).to_string().into()));
        if !message.custom.is_empty() {
            properties.push(("Frontier-Custom", BASE64.encode(&message.custom).into()));
        }
        if !message.labels.is_empty() {
            properties.push(("Frontier-Labels", message.encoded_labels().into()));
        }
        properties
    }

    /// Without an id and an alias.
    fn packet<'a>(
        &'a self,
        message: &'a Message,
        topic: &'a str,
        properties: &'a Properties<'a>,
    ) -> encode::Publish<'a> {
        encode::Publish {
            id: 0,
            topic,
            alias: None,
            is_retained: self.config.is_retained,
            expiry: self.config.expiry.map(|expiry| u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX)),
            content_type: &self.config.content_type,
            properties,
            payload: &message.payload,
        }
    }

    fn check_size(&self, message: &Message, topic: &str, number: u64) -> Result<(), SendError> {
        let properties = self.properties(message, number);
        let size = self.packet(message, topic, &properties).size() + ALIAS;
        let max = self.max_size.load(Ordering::Relaxed).min(MAX_REST);
        if size > max { Err(sink::too_large(self.name, size, max)) } else { Ok(()) }
    }

    /// Whether a server would end the connection because of it, and with that everything in flight.
    fn check_texts(&self, message: &Message, topic: &str) -> Result<(), SendError> {
        let name = self.name;
        if !is_valid_mqtt_topic(topic) {
            let text = format!("{name}: {topic:?} is no topic of MQTT");
            return Err(SendError::new(Cause::Refused, text));
        }
        for (property, value) in self.properties(message, 0) {
            if value.len() > MAX_TEXT {
                let text = format!("{name}: {property} has {} bytes, and MQTT takes {MAX_TEXT}", value.len());
                return Err(SendError::new(Cause::TooLarge, text));
            }
            if !is_mqtt_text(&value) {
                let text = format!("{name}: {property} has characters that MQTT does not take");
                return Err(SendError::new(Cause::Refused, text));
            }
        }
        Ok(())
    }

    fn no_id(&self) -> SendError {
        SendError::new(Cause::Busy, format!("{}: all ids of packets are in use", self.name))
    }
}

impl Mqtt {
    pub(crate) fn new(config: &MqttConfig, name: &'static str, bounds: Bounds) -> Self {
        let given = config.client_id.clone();
        let settings = Settings {
            name,
            config: config.clone(),
            bounds,
            client_id: given.unwrap_or_else(|| format!("{NAME}{:016x}", rand::random::<u64>())),
            boot: rand::random(),
            max_size: AtomicUsize::new(usize::MAX),
            refused: Mutex::default(),
        };
        Self { settings: Arc::new(settings), first: 0 }
    }
}

impl Backend for Mqtt {
    type Session = MqttSession;

    /// A message that is published once more is there twice.
    const RECOGNIZES: bool = false;

    fn check(&self, message: &Message) -> Result<(), SendError> {
        let topic = self.settings.topic(message);
        self.settings.check_texts(message, &topic)?;
        self.settings.check_size(message, &topic, 0)
    }

    async fn connect(&mut self) -> Result<MqttSession, String> {
        let settings = &self.settings;
        let config = &settings.config;
        let access = Access {
            client_id: &settings.client_id,
            credentials: &config.credentials,
            tls: config.tls.as_ref(),
            keep_alive: config.keep_alive,
            // Nothing comes.
            session: connect::Session {
                is_clean: true,
                expiry: Duration::ZERO,
                receive_max: 1,
                max_packet_size: connect::MAX_ANSWER,
            },
        };
        let within = settings.bounds.connect_timeout;
        let connecting = |addr| connect::connect(access, addr);
        let (opened, next) = first_of(&config.addrs, self.first, within, connecting).await?;
        self.first = next;
        if config.is_retained && opened.server.takes_retained == Some(0) {
            return Err("the broker keeps no message of a topic, and `retain` is true".to_owned());
        }
        let max = opened.server.max_packet_size.map_or(usize::MAX, |max| max as usize);
        settings.max_size.store(max, Ordering::Relaxed);
        Ok(MqttSession { opened: Some(opened), settings: settings.clone() })
    }
}

/// A connection to a server of MQTT.
pub(crate) struct MqttSession {
    opened: Option<connect::Opened>,
    settings: Arc<Settings>,
}

impl Session for MqttSession {
    async fn run(&mut self, pending: &Pending) -> String {
        match self.opened.take() {
            Some(opened) => Publisher::new(opened, self.settings.clone()).run(pending).await,
            None => "the connection was used before".to_owned(),
        }
    }
}
