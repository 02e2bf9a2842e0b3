//! Kafka: the section `mq.kafka`.

use super::consumer::{self, Kind, Start};
use super::{Idle, Sinks, addrs, credentials, template, tls, topics};
use frontier_config::{ByteSize, Choice, Section};
use frontier_mq::{
    BackendConfig, Bounds, KafkaCompression, KafkaConfig, KafkaGroup, KafkaSourceConfig, RecordTemplate,
    SaslMechanism, SinkConfig, SourceBackendConfig, Template, is_valid_kafka_topic,
};
use std::time::Duration;

/// The port of Kafka.
const PORT: u16 = 9092;

/// The best level of gzip.
const MAX_LEVEL: i32 = 9;

/// Brokers are asked twice within the time of a message, and each time has a connection in it.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How a password is shown, as it stands in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mechanism(SaslMechanism);

impl Choice for Mechanism {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("scram-sha-512", Self(SaslMechanism::ScramSha512)),
        ("scram-sha-256", Self(SaslMechanism::ScramSha256)),
        ("plain", Self(SaslMechanism::Plain)),
    ];
}

/// How batches are compressed, as it stands in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Codec(KafkaCompression);

impl Choice for Codec {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("none", Self(KafkaCompression::None)),
        ("gzip", Self(KafkaCompression::Gzip)),
        ("snappy", Self(KafkaCompression::Snappy)),
        ("lz4", Self(KafkaCompression::Lz4)),
    ];
}

pub(super) fn read(section: &Section<'_>, bounds: Bounds, name_size: usize, sinks: &mut Sinks) {
    let is_enabled = section.is_enabled(false);
    let producer = section.section("producer");
    let compression = producer.filled("compression", Codec::default()).0;
    let config = KafkaConfig {
        addrs: addrs(section, is_enabled, &["kafka://"], PORT),
        credentials: credentials(section, false, sinks),
        mechanism: section.get("mechanism", Mechanism::default()).0,
        tls: tls::read(&section.section("tls"), sinks),
        topic: template(&producer, "topic"),
        create_topics: producer.get("create_topics", true),
        compression,
        compression_level: level(&producer, compression),
        max_message_size: max_size(&producer),
    };
    // Keys of the original whose answer is always the same here: acks of all, by an idempotent producer.
    for key in ["async", "required_acks", "timeout", "idepotent", "idempotent", "flush", "retry"] {
        let _ = producer
            .ignored(key, "records are acked by all replicas in sync, and batches form by themselves");
    }
    let has_consumers = read_consumers(section, bounds, &config, is_enabled, sinks);
    let topics = topics(&producer, "topics", name_size, |topic| check(&config.topic, topic));
    let is_given = topics.is_given || has_consumers;
    let topics = topics.kept;
    if is_enabled && bounds.timeout < MIN_TIMEOUT {
        section.reject("enable", format!("needs a `timeout` of the section mq of {MIN_TIMEOUT:?} at least"));
    }
    if is_enabled {
        sinks.brokers.kafka = Some(config.clone());
    }
    let backend = BackendConfig::Kafka(config);
    if is_enabled && !topics.is_empty() {
        sinks.add(&producer, "topics", SinkConfig { name: "kafka", topics, bounds, backend });
    } else if is_enabled && !is_given {
        sinks.is_idle(section, Idle::Kafka, "producer.topics", &backend);
    }
}

/// Whether there are any.
fn read_consumers(
    section: &Section<'_>,
    bounds: Bounds,
    config: &KafkaConfig,
    is_enabled: bool,
    sinks: &mut Sinks,
) -> bool {
    let sections = consumer::sections(section);
    let are_given = consumer::are_given(section, &sections);
    let kind = Kind { key: Some(RecordTemplate::key()), can_reject: false };
    for section in &sections {
        let common = consumer::read(section, bounds, &kind);
        let topics: Vec<String> = section.list("topics", Vec::new());
        if topics.is_empty() {
            section.reject("topics", "has none: nothing is read");
        }
        for (index, topic) in topics.iter().enumerate() {
            if !is_valid_kafka_topic(topic) {
                section.reject("topics", format!("has {topic:?}, which is no topic of Kafka"));
            } else if topics[..index].contains(topic) {
                section.reject("topics", format!("has {topic:?} twice"));
            }
        }
        let group = KafkaGroup {
            topics,
            group: section.filled("group", "frontier".to_owned()),
            from_beginning: section.get("start", Start::default()) == Start::Beginning,
            max_ahead: section.within("max_ahead", 10_000, 1..=10_000_000),
        };
        let KafkaConfig { addrs, credentials, mechanism, tls, .. } = config.clone();
        if let Some(common) = common.filter(|_| is_enabled) {
            let server = KafkaSourceConfig { addrs, credentials, mechanism, tls };
            let backend = SourceBackendConfig::Kafka(server, group);
            sinks.add_source(section, common, &config.credentials, backend);
        }
    }
    are_given
}

fn max_size(producer: &Section<'_>) -> usize {
    let (none, default) = (ByteSize::kib(0), ByteSize::kib(1000));
    // 0 stands for the default in files of the original.
    match producer.within("max_message_bytes", none, none..=ByteSize::mib(1 << 10)) {
        size if size == none => default.as_usize(),
        size if size < ByteSize::kib(1) => {
            producer.reject("max_message_bytes", "must be 1 KiB at least");
            default.as_usize()
        }
        size => size.as_usize(),
    }
}

fn level(producer: &Section<'_>, compression: KafkaCompression) -> Option<u8> {
    // 0 stands for the default in files of the original, and so does what its library has for it.
    let level = producer.within("compression_level", 0, -1000..=MAX_LEVEL);
    if level > 0 && compression != KafkaCompression::Gzip {
        producer.reject("compression_level", "is of no use without `compression: gzip`");
    }
    u8::try_from(level).ok().filter(|level| *level > 0)
}

fn check(topic: &Template, name: &str) -> Result<(), String> {
    let target = topic.name(name, &u64::MAX.to_string());
    if is_valid_kafka_topic(&target) {
        return Ok(());
    }
    Err(format!(
        "becomes {target:?}: topics of Kafka have 1 to 249 letters, digits, dots, `_` and `-`, and are not `.` or `..`"
    ))
}
