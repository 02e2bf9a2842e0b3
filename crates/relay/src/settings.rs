//! What can be set of the relay: the section `relay`.

use crate::PLANE;
use crate::servers::ServerName;
use frontier_access::authn::Side;
use frontier_access::quota::{Limit, Unit};
use frontier_access::{AccessConfig, Pattern};
use frontier_admin::{PlaneAuth, ServerConfig, exposure};
use frontier_config::{ByteSize, Section};
use frontier_mq::{
    AmqpConfig, BackendConfig, Bounds, KafkaConfig, SinkConfig, Template, is_valid_kafka_topic,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Where it listens by default: the port of the program that it stands in for.
const DEFAULT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 33383);

/// Exchanges, each with a connection of its own.
const MAX_EXCHANGES: usize = 64;

/// Names and patterns of one list.
const MAX_NAMES: usize = 1000;

/// Bytes of a name in AMQP.
const MAX_SHORT: usize = 255;

/// What a request needs beside the time of the broker: an answer comes before the caller's time is over.
const MARGIN: Duration = Duration::from_secs(1);

/// The brokers that the gateway knows, with the credentials that it shows there.
#[derive(Clone, Debug, Default)]
pub struct Brokers {
    /// `mq.amqp`, where it is enabled.
    pub amqp: Option<AmqpConfig>,
    /// `mq.kafka`, where it is enabled.
    pub kafka: Option<KafkaConfig>,
    /// What a sink may hold, and for how long.
    pub bounds: Option<Bounds>,
}

/// The section `relay`, where it is enabled.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// The port and its limits.
    pub server: ServerConfig,
    /// `edges`: whether edges may send by it as well, with calls. false.
    pub edges: bool,
    /// `amqp`: where messages may go at RabbitMQ; `None` for nowhere.
    pub amqp: Option<AmqpTargets>,
    /// `kafka`: where messages may go at Kafka; `None` for nowhere.
    pub kafka: Option<KafkaTargets>,
    /// `attempts`: how often a message is tried at most. 2.
    pub attempts: u32,
    /// `attempt_timeout`: the time of the first attempt; the second has twice as much, and so on. 2 s.
    pub attempt_timeout: Duration,
    /// `inflight`: callers that wait for one target. 4096.
    pub inflight: usize,
    /// `message_size`: the longest message. 1 MiB.
    pub message_size: usize,
    /// `job_rate`, `job_burst`: messages of one job in a second, and at once; `None` for any number. 100, 1000.
    pub job_rate: Option<Limit>,
    /// `user_rate`, `user_burst`: the same of one user. `None`.
    pub user_rate: Option<Limit>,
    /// `keys`: messages of which it is remembered what became of them. 100,000.
    pub keys: usize,
    /// `key_window`: for how long. 10 min.
    pub key_window: Duration,
    /// Those of the brokers.
    pub bounds: Bounds,
}

/// Where messages may go at RabbitMQ.
#[derive(Clone, Debug)]
pub struct AmqpTargets {
    pub(crate) broker: AmqpConfig,
    pub(crate) servers: Vec<ServerName>,
    /// The exchanges, each with the routing keys that are allowed.
    pub(crate) exchanges: BTreeMap<String, Vec<Pattern>>,
    /// The same exchanges in the order of the file.
    names: Vec<String>,
}

/// Where messages may go at Kafka.
#[derive(Clone, Debug)]
pub struct KafkaTargets {
    pub(crate) broker: KafkaConfig,
    pub(crate) servers: Vec<ServerName>,
    pub(crate) topics: Vec<Pattern>,
}

impl AmqpTargets {
    /// How messages go to this exchange, with the routing keys that jobs name.
    pub(crate) fn to(&self, exchange: &str) -> AmqpConfig {
        AmqpConfig { exchange: exchange.to_owned(), routing_key: Template::topic(), ..self.broker.clone() }
    }
}

impl KafkaTargets {
    /// How messages go to the topics that jobs name.
    pub(crate) fn to_any(&self) -> KafkaConfig {
        KafkaConfig { topic: Template::topic(), ..self.broker.clone() }
    }
}

impl RelayConfig {
    /// What it sends to, as sinks whose topics are the names that are allowed and no patterns, each with the path of the key that
    /// names what must be there: to be looked at, and not to be started.
    #[must_use]
    pub fn sinks(&self) -> Vec<(String, SinkConfig)> {
        let sink = |name, names: &[Pattern], backend| {
            let topics = names.iter().filter_map(Pattern::exact).map(str::to_owned).collect();
            SinkConfig { name, topics, bounds: self.bounds, backend }
        };
        let amqp = self.amqp.iter().flat_map(|targets| {
            targets.names.iter().zip(0..).map(move |(exchange, index)| {
                // Each queue is a name of the exchange without one.
                let key = if exchange.is_empty() { "routing_keys" } else { "name" };
                let keys = targets.exchanges.get(exchange).map_or(&[][..], Vec::as_slice);
                let backend = BackendConfig::Amqp(Box::new(targets.to(exchange)));
                (format!("{PLANE}.amqp.exchanges[{index}].{key}"), sink("amqp", keys, backend))
            })
        });
        let kafka = self.kafka.iter().map(|targets| {
            let backend = BackendConfig::Kafka(targets.to_any());
            (format!("{PLANE}.kafka.topics"), sink("kafka", &targets.topics, backend))
        });
        amqp.chain(kafka).collect()
    }

    /// Reads the section, and what it asks of who connects. `None` if it is not enabled, which is the default.
    #[must_use]
    pub fn read(root: &Section<'_>, brokers: &Brokers, access: &mut AccessConfig) -> Option<Self> {
        let section = root.section(PLANE).fixed();
        let enable = section.is_enabled(false);
        let second = Duration::from_secs(1);
        let attempts = section.within("attempts", 2, 1..=10);
        let attempt_timeout =
            section.within("attempt_timeout", 2 * second, Duration::from_millis(10)..=60 * second);
        let (kib, mib) = (ByteSize::kib, ByteSize::mib);
        let message_size = section.within("message_size", mib(1), kib(1)..=mib(64)).as_usize();
        let server = read_server(&section, budget(attempts, attempt_timeout), message_size);
        let plane = PlaneAuth {
            plane: PLANE,
            side: Side::Job,
            addr: server.addr,
            takes_certificates: server.takes_certificates,
        };
        access.auth.insert(PLANE.to_owned(), plane.read(root));
        let amqp = read_amqp(&section.section("amqp"), brokers, enable);
        let kafka = read_kafka(&section.section("kafka"), brokers, enable);
        let has_unread = ["amqp.exchanges", "kafka.topics"].iter().any(|key| section.is_unread(key));
        if enable && amqp.is_none() && kafka.is_none() && !has_unread {
            section
                .reject("enable", "allows no target: `amqp.exchanges` or `kafka.topics` say which there are");
        }
        if let Some(bounds) = brokers.bounds.filter(|_| enable) {
            let budget = budget(attempts, attempt_timeout);
            if budget > bounds.timeout {
                let text = format!(
                    "makes {budget:?} for {attempts} attempts, and mq.timeout, in which a broker must have answered, is {:?}",
                    bounds.timeout
                );
                section.reject("attempt_timeout", text);
            }
        }
        let job_rate = read_rate(&section, "job_rate", 100, "job_burst", 1000);
        let user_rate = read_rate(&section, "user_rate", 0, "user_burst", 1000);
        let config = Self {
            server,
            edges: section.get("edges", false),
            amqp,
            kafka,
            attempts,
            attempt_timeout,
            inflight: section.within("inflight", 4096, 1..=1_000_000),
            message_size,
            job_rate,
            user_rate,
            keys: section.within("keys", 100_000, 1..=10_000_000),
            key_window: section.within("key_window", 600 * second, second..=24 * 3600 * second),
            bounds: brokers.bounds?,
        };
        enable.then_some(config)
    }

    /// How long all attempts may take together.
    #[must_use]
    pub fn budget(&self) -> Duration {
        budget(self.attempts, self.attempt_timeout)
    }

    /// What may surprise about it though it was asked for.
    #[must_use]
    pub fn exposure(&self, access: &AccessConfig) -> Option<String> {
        let asks = access.auth.get(PLANE).is_some_and(|auth| !auth.is_none());
        let power = "may send to the targets that relay.amqp and relay.kafka allow";
        exposure(PLANE, self.server.addr, asks, self.server.tls.is_some(), power)
    }
}

/// 1 + 2 + … times the first.
fn budget(attempts: u32, first: Duration) -> Duration {
    first * (attempts * (attempts + 1) / 2)
}

/// The port at which a broker is meant without one.
pub(crate) fn usual_port(broker: &AmqpConfig) -> u16 {
    if broker.tls.is_some() { 5671 } else { 5672 }
}

fn read_server(section: &Section<'_>, budget: Duration, message_size: usize) -> ServerConfig {
    let (millis, seconds) = (Duration::from_millis, Duration::from_secs);
    let time = |key, default, least, most| section.within(key, default, least..=most);
    ServerConfig {
        connections: section.within("connections", 10_000, 1..=1_000_000),
        streams: 1024,
        handshakes: section.within("handshakes", 1024, 1..=1_000_000),
        handshakes_per_address: section.within("handshakes_per_address", 128, 1..=1_000_000),
        handshake_timeout: time("handshake_timeout", seconds(10), millis(10), seconds(300)),
        slow_peer_timeout: time("slow_peer_timeout", seconds(30), millis(100), seconds(3600)),
        request_timeout: budget + MARGIN,
        // With what stands around the message.
        request_size: message_size + 4096,
        ..ServerConfig::listen(&section.section("listen"), DEFAULT_ADDR)
    }
}

fn read_amqp(section: &Section<'_>, brokers: &Brokers, enable: bool) -> Option<AmqpTargets> {
    let servers = read_names(section, "servers");
    let sections = section.sections("exchanges");
    if sections.len() > MAX_EXCHANGES {
        section.reject("exchanges", format!("has {}, and may have {MAX_EXCHANGES}", sections.len()));
    }
    let (mut exchanges, mut names) = (BTreeMap::new(), Vec::new());
    for exchange in &sections {
        let name: String = exchange.required("name", String::new());
        let keys: Vec<Pattern> = exchange.one_or_more("routing_keys").unwrap_or_default();
        if keys.is_empty() {
            exchange.reject("routing_keys", "is required: names or patterns, such as \"*.production.*\"");
        }
        if name.len() > MAX_SHORT {
            exchange.reject("name", format!("has {} bytes, and AMQP takes {MAX_SHORT}", name.len()));
        }
        for key in keys.iter().filter(|key| key.fixed().len() > MAX_SHORT) {
            let text = format!("has {key}, which no routing key can be: AMQP takes {MAX_SHORT} bytes");
            exchange.reject("routing_keys", text);
        }
        if exchanges.insert(name.clone(), keys).is_some() {
            exchange.reject("name", format!("{name:?} is there before"));
        }
        names.push(name);
    }
    if exchanges.is_empty() {
        return None;
    }
    if enable && brokers.amqp.is_none() {
        section.reject("exchanges", "are of mq.amqp, which is not enabled");
    }
    Some(AmqpTargets { broker: brokers.amqp.clone()?, servers, exchanges, names })
}

fn read_kafka(section: &Section<'_>, brokers: &Brokers, enable: bool) -> Option<KafkaTargets> {
    let servers = read_names(section, "servers");
    let topics: Vec<Pattern> = section.list("topics", Vec::new());
    if topics.len() > MAX_NAMES {
        section.reject("topics", format!("has {}, and may have {MAX_NAMES}", topics.len()));
    }
    for topic in topics.iter().filter(|topic| !may_be_topic(topic)) {
        let text = format!(
            "has {:?}, which no topic of Kafka can be: they have 1 to 249 letters, digits, dots, `_` and `-`, and are not `.` or `..`",
            topic.as_str()
        );
        section.reject("topics", text);
    }
    if topics.is_empty() {
        return None;
    }
    if enable && brokers.kafka.is_none() {
        section.reject("topics", "are of mq.kafka, which is not enabled");
    }
    Some(KafkaTargets { broker: brokers.kafka.clone()?, servers, topics })
}

/// Whether a topic of Kafka can match.
fn may_be_topic(pattern: &Pattern) -> bool {
    let fixed = pattern.fixed();
    is_valid_kafka_topic(&fixed) || (pattern.exact().is_none() && fixed.bytes().all(|it| it == b'.'))
}

fn read_names(section: &Section<'_>, key: &'static str) -> Vec<ServerName> {
    let names: Vec<ServerName> = section.list(key, Vec::new());
    if names.len() > MAX_NAMES {
        section.reject(key, format!("has {}, and may have {MAX_NAMES}", names.len()));
    }
    names
}

/// 0 for any number.
fn read_rate(
    section: &Section<'_>,
    rate: &'static str,
    default: u64,
    burst: &'static str,
    default_burst: u64,
) -> Option<Limit> {
    let rate = section.within(rate, default, 0..=1_000_000_000);
    let burst = section.within(burst, default_burst, 1..=1_000_000_000);
    (rate > 0).then(|| Limit::per_second(rate, burst, Unit::Things))
}

#[cfg(test)]
mod tests;
