//! AMQP 0-9-1, as RabbitMQ speaks it: the section `mq.amqp`.

use super::consumer::{self, Kind};
use super::userinfo::split_userinfo;
use super::{Idle, Sinks, addrs_of, credentials, template, tls, topics};
use frontier_config::Section;
use frontier_mq::{
    AmqpBinding, AmqpConfig, AmqpExchange, AmqpProperties, AmqpQueue, AmqpQueueConsumer, AmqpSourceConfig,
    AmqpTopology, BackendConfig, Bounds, Credentials, SinkConfig, SourceBackendConfig, Template,
};
use std::time::Duration;

/// The port of AMQP.
const PORT: u16 = 5672;

/// The same with TLS.
const TLS_PORT: u16 = 5671;

/// Bytes of the names and properties of AMQP.
const MAX_SHORT: usize = 255;

/// The shortest frame of AMQP, how long it is unless it is said, and the longest that is kept in memory.
const FRAME_SIZE: (u32, u32, u32) = (4096, 128 << 10, 16 << 20);

/// Things that are declared, at most.
const MAX_DECLARED: usize = 1000;

pub(super) fn read(section: &Section<'_>, bounds: Bounds, name_size: usize, sinks: &mut Sinks) {
    let is_enabled = section.is_enabled(false);
    let tls = tls::read(&section.section("tls"), sinks);
    let port = if tls.is_some() { TLS_PORT } else { PORT };
    let texts: Vec<String> = section.list("addrs", vec![format!("127.0.0.1:{port}")]);
    let (inside, texts) = split_userinfo(section, texts, &["amqp://", "amqps://"]);
    let producer = section.section("producer");
    let config = AmqpConfig {
        addrs: addrs_of(section, is_enabled, &texts, &[], port),
        credentials: login(section, inside, sinks),
        tls,
        vhost: short(section, "vhost", "/"),
        frame_size: frame_size(section),
        heartbeat: heartbeat(section),
        exchange: short(&producer, "exchange", ""),
        routing_key: template(&producer, "routing_key"),
        mandatory: producer.get("mandatory", true),
        is_persistent: producer.within("delivery_mode", 2, 0..=2) != 1,
        properties: properties(&producer),
        topology: AmqpTopology {
            exchanges: declared(section, &["exchanges"]).iter().map(exchange).collect(),
            queues: declared(section, &["queues"]).iter().map(queue).collect(),
            bindings: declared(section, &["queuebindings", "queueBindings", "queue_bindings"])
                .iter()
                .map(binding)
                .collect(),
        },
    };
    let has_consumers = read_consumers(section, bounds, &config, is_enabled, sinks);
    // There is one channel, and RabbitMQ has one language.
    let _ = section.ignored("channel_max", "one channel is enough");
    let _ = section.ignored("locale", "brokers have one");
    // The original reads them and does not use them.
    let _ = producer.ignored("headers", "messages have those of docs/mq.md");
    if producer.get("immediate", false) {
        producer.reject(
            "immediate",
            "must be false: RabbitMQ has not known it since 3.0, and ends the connection",
        );
    }
    let topics = topics(&producer, "routing_keys", name_size, |topic| check(&config.routing_key, topic));
    let is_given = topics.is_given || has_consumers;
    let topics = topics.kept;
    if is_enabled {
        sinks.brokers.amqp = Some(config.clone());
    }
    let backend = BackendConfig::Amqp(Box::new(config));
    if is_enabled && !topics.is_empty() {
        sinks.add(&producer, "routing_keys", SinkConfig { name: "amqp", topics, bounds, backend });
    } else if is_enabled && !is_given {
        sinks.is_idle(section, Idle::Amqp, "producer.routing_keys", &backend);
    }
}

/// Whether there are any.
fn read_consumers(
    section: &Section<'_>,
    bounds: Bounds,
    config: &AmqpConfig,
    is_enabled: bool,
    sinks: &mut Sinks,
) -> bool {
    let sections = consumer::sections(section);
    let are_given = consumer::are_given(section, &sections);
    for section in &sections {
        let common = consumer::read(section, bounds, &Kind { key: None, can_reject: true });
        let consumer = AmqpQueueConsumer {
            queue: required(section, "queue"),
            exclusive: section.get("exclusive", false),
        };
        let AmqpConfig { addrs, credentials, tls, vhost, frame_size, heartbeat, topology, .. } =
            config.clone();
        let server = AmqpSourceConfig { addrs, credentials, tls, vhost, frame_size, heartbeat, topology };
        if let Some(common) = common.filter(|_| is_enabled) {
            let backend = SourceBackendConfig::Amqp(server, consumer);
            sinks.add_source(section, common, &config.credentials, backend);
        }
    }
    are_given
}

/// Those of the section, or those that older files have in the addresses.
fn login(section: &Section<'_>, inside: Option<Credentials>, sinks: &mut Sinks) -> Credentials {
    let beside = credentials(section, false, sinks);
    match inside {
        None => beside,
        Some(_) if beside.username.is_some() => {
            section.reject("username", "is there beside a user in `addrs`: keep one of them");
            beside
        }
        Some(inside) => {
            sinks.note_secrets(&inside);
            inside
        }
    }
}

fn check(key: &Template, topic: &str) -> Result<(), String> {
    // As long as the longest EdgeID makes it.
    let len = key.name(topic, &u64::MAX.to_string()).len();
    if len <= MAX_SHORT {
        return Ok(());
    }
    Err(format!("becomes a routing key of {len} bytes, and AMQP takes {MAX_SHORT}"))
}

fn frame_size(section: &Section<'_>) -> u32 {
    let (min, default, max) = FRAME_SIZE;
    match section.within("frame_size", 0, 0..=max) {
        0 => default,
        size if size < min => {
            section.reject("frame_size", format!("must be {min} at least"));
            default
        }
        size => size,
    }
}

fn heartbeat(section: &Section<'_>) -> Duration {
    let second = Duration::from_secs(1);
    section.seconds_within("heartbeat", 10 * second, second..=3600 * second)
}

fn properties(producer: &Section<'_>) -> AmqpProperties {
    let expiration = short(producer, "expiration", "");
    if !expiration.is_empty() && expiration.parse::<u32>().is_err() {
        producer.reject("expiration", "expected milliseconds, without a unit");
    }
    AmqpProperties {
        content_type: short(producer, "content_type", ""),
        content_encoding: short(producer, "content_encoding", ""),
        priority: producer.get("priority", 0),
        reply_to: short(producer, "reply_to", ""),
        expiration,
        kind: short(producer, "type", ""),
        user_id: short(producer, "user_id", ""),
        app_id: short(producer, "app_id", ""),
    }
}

/// The sections of a list that may be called by any of these names.
fn declared<'d>(section: &Section<'d>, keys: &[&'static str]) -> Vec<Section<'d>> {
    let mut found = Vec::new();
    for key in keys {
        let sections = section.sections(key);
        if sections.len() > MAX_DECLARED {
            section.reject(key, format!("has {}, and may have {MAX_DECLARED}", sections.len()));
        }
        found.extend(sections);
    }
    found
}

fn exchange(section: &Section<'_>) -> AmqpExchange {
    nowait(section);
    AmqpExchange {
        name: required(section, "name"),
        kind: short(section, "kind", "direct"),
        durable: section.get("durable", true),
        auto_delete: section.get("auto_delete", false),
        internal: section.get("internal", false),
    }
}

fn queue(section: &Section<'_>) -> AmqpQueue {
    nowait(section);
    let kind = short(section, "kind", "");
    if !["", "classic", "quorum", "stream"].contains(&&*kind) {
        section.reject("kind", "expected classic, quorum or stream");
    }
    AmqpQueue {
        name: required(section, "name"),
        kind: (!kind.is_empty()).then_some(kind),
        durable: section.get("durable", true),
        // As the original spells it.
        exclusive: section.get("exclusive", false) | section.get("exclustive", false),
        auto_delete: section.get("auto_delete", false),
    }
}

fn binding(section: &Section<'_>) -> AmqpBinding {
    nowait(section);
    AmqpBinding {
        queue: required(section, "queue_name"),
        exchange: required(section, "exchange_name"),
        key: short(section, "binding_key", ""),
    }
}

/// An answer is always waited for: it says whether there was one.
fn nowait(section: &Section<'_>) {
    let _ = section.ignored("nowait", "an answer is always waited for");
    let _ = section.ignored("noWait", "an answer is always waited for");
}

fn required(section: &Section<'_>, key: &'static str) -> String {
    let text = short(section, key, "");
    if text.is_empty() {
        section.reject(key, "is required");
    }
    text
}

/// A text that AMQP has room for.
fn short(section: &Section<'_>, key: &'static str, default: &str) -> String {
    let text: String = section.filled(key, default.to_owned());
    if text.len() > MAX_SHORT {
        section.reject(key, format!("has {} bytes, and AMQP takes {MAX_SHORT}", text.len()));
    }
    text
}
