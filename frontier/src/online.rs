//! `--check --online`: whether the brokers of a configuration are there, let the gateway in, and have what it names. Nothing
//! is sent or made.

use crate::Config;
use frontier_mq::{
    BackendConfig, Bounds, Finding, JetStreamConfig, Place, RedisTarget, SourceBackendConfig, SourceConfig,
    probe_sink, probe_source,
};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// What is wrong now, and what may surprise; each in one line with the path of its key.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) faults: BTreeSet<String>,
    pub(crate) warnings: BTreeSet<String>,
}

/// Looks at all brokers; `None` where there is nothing to look at. Nothing takes longer than four of `mq.connect_timeout`.
pub(crate) async fn look(config: &Config) -> Option<Findings> {
    let (mq, root) = (&config.mq, config.mq.section);
    let mut looking = JoinSet::new();
    for sink in mq.sinks.clone() {
        let keys = Keys::of_sink(root, &sink.backend);
        looking.spawn(async move { (keys, probe_sink(&sink).await) });
    }
    let bounds = mq.bounds();
    for source in mq.sources.clone() {
        let own = mq.paths.get(&*source.name).cloned().unwrap_or_default();
        let keys = Keys::of_source(root, &own, &source.backend);
        looking.spawn(async move { (keys, probe(&source, bounds).await) });
    }
    for (targets, sink) in config.relay.iter().flat_map(frontier_relay::RelayConfig::sinks) {
        let keys = Keys { targets, ..Keys::of_sink(root, &sink.backend) };
        looking.spawn(async move { (keys, probe_sink(&sink).await) });
    }
    if looking.is_empty() {
        return None;
    }
    // What several use is told once.
    let mut all = Findings::default();
    for (keys, findings) in looking.join_all().await {
        for finding in findings {
            let lines = if finding.is_warning { &mut all.warnings } else { &mut all.faults };
            lines.insert(keys.line(finding));
        }
    }
    Some(all)
}

async fn probe(source: &SourceConfig, bounds: Option<Bounds>) -> Vec<Finding> {
    match bounds {
        Some(bounds) => probe_source(source, bounds).await,
        None => Vec::new(),
    }
}

/// Where in the configuration what is looked at stands.
#[derive(Debug)]
struct Keys {
    /// The section of the broker.
    broker: String,
    /// What messages go to, or come from.
    targets: String,
    /// What a broker keeps of a consumer.
    consumer: String,
}

impl Keys {
    fn of_sink(root: &str, backend: &BackendConfig) -> Self {
        let (section, targets) = match backend {
            BackendConfig::Amqp(amqp) if amqp.exchange.is_empty() => ("amqp", "producer.routing_keys"),
            BackendConfig::Amqp(_) => ("amqp", "producer.exchange"),
            BackendConfig::Kafka(_) => ("kafka", "producer.topics"),
            BackendConfig::Mqtt(_) => ("mqtt", "producer.topics"),
            BackendConfig::Nats(nats) => match &nats.jetstream {
                None => ("nats", "producer.subjects"),
                Some(JetStreamConfig { create: Some(_) }) => ("nats", "jetstream.name"),
                Some(JetStreamConfig { create: None }) => ("nats", "jetstream.producer.subjects"),
            },
            BackendConfig::Nsq(_) => ("nsq", "producer.topics"),
            BackendConfig::Redis(redis) => match redis.target {
                RedisTarget::Channel { .. } => ("redis", "producer.channels"),
                RedisTarget::Stream { .. } => ("redis", "streams.producer.topics"),
            },
        };
        let broker = format!("{root}.{section}");
        Self { targets: format!("{broker}.{targets}"), broker, consumer: String::new() }
    }

    /// `own` is the section of the consumer.
    fn of_source(root: &str, own: &str, backend: &SourceBackendConfig) -> Self {
        let (section, targets, consumer) = match backend {
            SourceBackendConfig::Amqp(..) => ("amqp", "queue", "queue"),
            SourceBackendConfig::Kafka(..) => ("kafka", "topics", "group"),
            SourceBackendConfig::Mqtt(_) => ("mqtt", "topics", "client_id"),
            SourceBackendConfig::JetStream(..) => ("nats", "stream", "durable"),
            SourceBackendConfig::NatsQueue(..) => ("nats", "subjects", "group"),
            SourceBackendConfig::Nsq(_) => ("nsq", "topic", "channel"),
            SourceBackendConfig::RedisStreams(_) => ("redis", "streams", "group"),
        };
        let [targets, consumer] = [targets, consumer].map(|key| format!("{own}.{key}"));
        Self { broker: format!("{root}.{section}"), targets, consumer }
    }

    fn line(&self, Finding { place, text, .. }: Finding) -> String {
        let broker = &self.broker;
        match place {
            Place::Addr(index) => format!("{broker}.addrs[{index}]: {text}"),
            Place::Lookup(index) => format!("{broker}.lookup_addrs[{index}]: {text}"),
            Place::Target => format!("{}: {text}", self.targets),
            Place::Consumer => format!("{}: {text}", self.consumer),
        }
    }
}
