//! Where messages may go: the exchanges and topics of the configuration, each by the names that it allows.

use crate::line::{Line, bounds};
use crate::order::Target;
use crate::servers::Servers;
use crate::settings::{RelayConfig, usual_port};
use crate::{Answer, Fault};
use frontier_access::Pattern;
use frontier_mq::{BackendConfig, SinkConfig, is_valid_kafka_topic};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::info;

/// The longest routing key, as AMQP has it.
const MAX_SHORT: usize = 255;

/// The targets, each with its line.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    amqp: Option<Amqp>,
    kafka: Option<Kafka>,
}

#[derive(Debug)]
struct Amqp {
    servers: Servers,
    vhost: String,
    exchanges: BTreeMap<String, (Vec<Pattern>, Arc<Line>)>,
}

#[derive(Debug)]
struct Kafka {
    servers: Servers,
    topics: Vec<Pattern>,
    line: Arc<Line>,
}

/// A target as callers are told of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Described {
    broker: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<String>,
    /// Routing keys or topics.
    names: Vec<String>,
    is_connected: bool,
    /// What is wrong with the broker; empty if nothing is.
    complaint: String,
}

impl Targets {
    /// Starts all lines, within the runtime of the caller.
    pub(crate) fn start(config: &RelayConfig) -> Result<Self, String> {
        Ok(Self {
            amqp: config.amqp.as_ref().map(|_| Amqp::start(config)).transpose()?.flatten(),
            kafka: config.kafka.as_ref().map(|_| Kafka::start(config)).transpose()?.flatten(),
        })
    }

    /// The line for a target, and the name within it: a routing key or a topic.
    pub(crate) fn find<'t>(&self, target: &'t Target) -> Result<(&Arc<Line>, &'t str), Answer> {
        match target {
            Target::Amqp { server, exchange, routing_key } => {
                let amqp = self.amqp.as_ref().ok_or_else(|| not_allowed("exchange (relay.amqp)"))?;
                amqp.find(server, exchange, routing_key).map(|line| (line, &**routing_key))
            }
            Target::Kafka { brokers, topic } => {
                let kafka = self.kafka.as_ref().ok_or_else(|| not_allowed("topic (relay.kafka)"))?;
                kafka.find(brokers, topic).map(|line| (line, &**topic))
            }
        }
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &Arc<Line>> {
        let amqp = self.amqp.iter().flat_map(|amqp| amqp.exchanges.values().map(|(_, line)| line));
        amqp.chain(self.kafka.iter().map(|kafka| &kafka.line))
    }

    pub(crate) fn describe(&self) -> Vec<Described> {
        let amqp = self.amqp.iter().flat_map(|amqp| &amqp.exchanges);
        let amqp = amqp.map(|(exchange, (keys, line))| describe("amqp", Some(exchange), keys, line));
        let kafka = self.kafka.iter().map(|kafka| describe("kafka", None, &kafka.topics, &kafka.line));
        amqp.chain(kafka).collect()
    }
}

impl Amqp {
    fn start(config: &RelayConfig) -> Result<Option<Self>, String> {
        let Some(targets) = &config.amqp else { return Ok(None) };
        let broker = &targets.broker;
        let exchanges = targets.exchanges.iter().map(|(exchange, keys)| {
            let backend = targets.to(exchange);
            let name = if exchange.is_empty() { "amqp.default" } else { exchange };
            let line = start(config, format!("relay:{name}"), BackendConfig::Amqp(Box::new(backend)))?;
            Ok((exchange.clone(), (keys.clone(), line)))
        });
        Ok(Some(Self {
            servers: Servers::new(&broker.addrs, targets.servers.clone(), usual_port(broker)),
            vhost: broker.vhost.clone(),
            exchanges: exchanges.collect::<Result<_, String>>()?,
        }))
    }

    fn find(&self, server: &str, exchange: &str, routing_key: &str) -> Result<&Arc<Line>, Answer> {
        if !self.servers.know(server, Some(&self.vhost)) {
            return Err(not_allowed("such server (relay.amqp.servers)"));
        }
        let (keys, line) = self
            .exchanges
            .get(exchange)
            .ok_or_else(|| not_allowed(&format!("exchange {exchange:?} (relay.amqp.exchanges)")))?;
        if routing_key.len() > MAX_SHORT {
            let text = format!("the routing key has {} bytes, and AMQP takes {MAX_SHORT}", routing_key.len());
            return Err(Answer::new(Fault::Invalid, text));
        }
        if !keys.iter().any(|pattern| pattern.matches(routing_key)) {
            return Err(not_allowed(&format!("routing key {routing_key:?} for {exchange:?}")));
        }
        Ok(line)
    }
}

impl Kafka {
    fn start(config: &RelayConfig) -> Result<Option<Self>, String> {
        let Some(targets) = &config.kafka else { return Ok(None) };
        let line = start(config, "relay:kafka".to_owned(), BackendConfig::Kafka(targets.to_any()))?;
        let servers = Servers::new(&targets.broker.addrs, targets.servers.clone(), 9092);
        Ok(Some(Self { servers, topics: targets.topics.clone(), line }))
    }

    fn find(&self, brokers: &[String], topic: &str) -> Result<&Arc<Line>, Answer> {
        if !brokers.iter().all(|broker| self.servers.know(broker, None)) {
            return Err(not_allowed("such brokers (relay.kafka.servers)"));
        }
        if !is_valid_kafka_topic(topic) {
            return Err(Answer::new(Fault::Invalid, format!("{topic:?} is no topic of Kafka")));
        }
        if !self.topics.iter().any(|pattern| pattern.matches(topic)) {
            return Err(not_allowed(&format!("topic {topic:?} (relay.kafka.topics)")));
        }
        Ok(&self.line)
    }
}

fn start(config: &RelayConfig, name: String, backend: BackendConfig) -> Result<Arc<Line>, String> {
    info!(target = name, "jobs send there by the relay");
    let config_of_sink = SinkConfig {
        // Once for each exchange of the configuration, which takes a restart.
        name: Box::leak(name.into_boxed_str()),
        topics: Vec::new(),
        bounds: bounds(config.bounds, config.inflight),
        backend,
    };
    Line::start(&config_of_sink, config.inflight).map(Arc::new)
}

fn describe(broker: &'static str, exchange: Option<&String>, names: &[Pattern], line: &Line) -> Described {
    let status = line.sink().status();
    let complaint = match (&status.away, &status.blocked) {
        (Some((since, cause)), _) => format!("not connected for {} s: {cause}", since.as_secs()),
        (None, Some((since, cause))) => format!("takes nothing for {} s: {cause}", since.as_secs()),
        (None, None) => String::new(),
    };
    Described {
        broker,
        exchange: exchange.cloned(),
        names: names.iter().map(ToString::to_string).collect(),
        is_connected: status.away.is_none(),
        complaint,
    }
}

/// `what` there is not, and where it would be allowed.
fn not_allowed(what: &str) -> Answer {
    Answer::new(Fault::NotAllowed, format!("the relay sends to no {what}"))
}

#[cfg(test)]
mod tests;
