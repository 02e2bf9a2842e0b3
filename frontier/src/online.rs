//! `--check --online`: whether the brokers of a configuration are there, let the gateway in, and have what it names. Nothing
//! is sent or made.

use crate::Config;
use frontier_mq::{Bounds, Finding, Place, SinkConfig, SourceConfig, probe_sink, probe_source};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// What is wrong now, each in one line with the path of its key; `None` where there is nothing to look at. Nothing takes longer
/// than two of `mq.connect_timeout`.
pub(crate) async fn look(config: &Config) -> Option<Vec<String>> {
    let root = config.mq.section;
    let mut looking = JoinSet::new();
    for sink in config.mq.sinks.clone() {
        let keys = Keys::of_sink(root, &sink);
        looking.spawn(async move { keys.lines(probe_sink(&sink).await) });
    }
    let bounds = config.mq.bounds();
    for source in config.mq.sources.clone() {
        let keys = Keys::of_source(root, &source);
        looking.spawn(async move { keys.lines(probe(&source, bounds).await) });
    }
    for (targets, sink) in config.relay.iter().flat_map(frontier_relay::RelayConfig::sinks) {
        let keys = Keys { targets: targets.to_owned(), ..Keys::of_sink(root, &sink) };
        looking.spawn(async move { keys.lines(probe_sink(&sink).await) });
    }
    if looking.is_empty() {
        return None;
    }
    // What several use is told once.
    let lines: BTreeSet<String> = looking.join_all().await.into_iter().flatten().collect();
    Some(lines.into_iter().collect())
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
    addrs: String,
    targets: String,
}

impl Keys {
    fn of_sink(root: &str, sink: &SinkConfig) -> Self {
        let (section, targets) = match sink.name {
            "amqp" => ("amqp", "producer"),
            "kafka" => ("kafka", "producer.topics"),
            "mqtt" => ("mqtt", "producer.topics"),
            "nats" => ("nats", "producer.subjects"),
            "jetstream" => ("nats", "jetstream.producer.subjects"),
            "redis" => ("redis", "producer.channels"),
            "redis_streams" => ("redis", "streams.producer.topics"),
            other => (other, "producer"),
        };
        Self { addrs: format!("{root}.{section}.addrs"), targets: format!("{root}.{section}.{targets}") }
    }

    fn of_source(root: &str, source: &SourceConfig) -> Self {
        let (section, consumers) = match source.backend.section() {
            "jetstream" => ("nats", "jetstream.consumers"),
            "redis" => ("redis", "streams.consumers"),
            section => (section, "consumers"),
        };
        let targets = format!("{root}.{section}.{consumers}: {}", source.name);
        Self { addrs: format!("{root}.{section}.addrs"), targets }
    }

    fn lines(&self, findings: Vec<Finding>) -> Vec<String> {
        let line = |Finding { place, text }| match place {
            Place::Addr(index) => format!("{}[{index}]: {text}", self.addrs),
            Place::Target => format!("{}: {text}", self.targets),
        };
        findings.into_iter().map(line).collect()
    }
}
