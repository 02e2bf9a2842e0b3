//! Redis, its channels and its streams: the section `mq.redis`.

use super::consumer::{self, Kind, Start};
use super::{Sinks, addrs, credentials, template, tls, topics};
use frontier_config::{Choice, Section};
use frontier_mq::{
    BackendConfig, Bounds, Format, RedisConfig, RedisSourceConfig, RedisTarget, SinkConfig,
    SourceBackendConfig,
};
use std::time::Duration;

/// The port of Redis.
const PORT: u16 = 6379;

/// What of a message is published, as it stands in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FormatKey(pub(super) Format);

impl Choice for FormatKey {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("payload", Self(Format::Payload)), ("json", Self(Format::Json))];
}

pub(super) fn read(section: &Section<'_>, bounds: Bounds, name_size: usize, sinks: &mut Sinks) {
    let is_enabled = section.is_enabled(false);
    let producer = section.section("producer");
    let channel = RedisTarget::Channel {
        channel: template(&producer, "channel"),
        format: producer.get("format", FormatKey::default()).0,
        needs_subscriber: producer.get("require_subscriber", false),
    };
    let streams = section.section("streams");
    let max_len = streams.within("max_len", 0, 0..=i64::MAX.unsigned_abs());
    let stream = RedisTarget::Stream {
        key: template(&streams.section("producer"), "stream"),
        max_len: (max_len > 0).then_some(max_len),
        create: streams.get("create", true),
    };
    let config = RedisConfig {
        addrs: addrs(section, is_enabled, &["redis://", "rediss://"], PORT),
        credentials: credentials(section, false, sinks),
        db: section.get("db", 0),
        tls: tls::read(&section.section("tls"), sinks),
        target: channel,
    };
    let stored = RedisConfig { target: stream, ..config.clone() };
    let consumers = consumer::sections(&streams);
    let mut is_given = consumer::are_given(&streams, &consumers);
    for section in &consumers {
        if let Some((consumer, source)) = read_consumer(section, bounds, &config)
            && is_enabled
        {
            sinks.add_source(
                section,
                consumer,
                &config.credentials,
                SourceBackendConfig::RedisStreams(source),
            );
        }
    }
    let producers = [
        ("redis", config, producer, "channels"),
        ("redis_streams", stored, streams.section("producer"), "topics"),
    ];
    for (name, config, producer, key) in producers {
        let topics = topics(&producer, key, name_size, |_| Ok(()));
        is_given |= topics.is_given;
        let topics = topics.kept;
        if is_enabled && !topics.is_empty() {
            let backend = BackendConfig::Redis(config);
            sinks.add(&producer, key, SinkConfig { name, topics, bounds, backend });
        }
    }
    if is_enabled && !is_given {
        section.reject(
            "producer.channels",
            "has no topic, nor has streams.producer.topics, nor is there a consumer: nothing goes there",
        );
    }
}

fn read_consumer(
    section: &Section<'_>,
    bounds: Bounds,
    config: &RedisConfig,
) -> Option<(consumer::Consumer, RedisSourceConfig)> {
    let common = consumer::read(section, bounds, &Kind::default());
    let streams: Vec<String> = section.list("streams", Vec::new());
    if streams.is_empty() {
        section.reject("streams", "has none: nothing is read");
    }
    for (index, stream) in streams.iter().enumerate() {
        if stream.is_empty() || streams[..index].contains(stream) {
            section.reject("streams", format!("has {stream:?}, which is empty or there twice"));
        }
    }
    let group: String = section.filled("group", "frontier".to_owned());
    let payload: String = section.get("payload", "payload".to_owned());
    let id_field: String = section.get("id_field", String::new());
    if !id_field.is_empty() && id_field == payload {
        section.reject("id_field", "is the field that is the payload");
    }
    let consumer: Option<String> = section.optional("consumer");
    let second = Duration::from_secs(1);
    let source = RedisSourceConfig {
        addrs: config.addrs.clone(),
        credentials: config.credentials.clone(),
        db: config.db,
        tls: config.tls.clone(),
        streams,
        group,
        consumer: consumer.filter(|name| !name.is_empty()),
        from_beginning: section.get("start", Start::default()) == Start::Beginning,
        claim_after: section.within("claim_after", 60 * second, second..=24 * 3600 * second),
        payload: (!payload.is_empty()).then_some(payload),
        id_field: (!id_field.is_empty()).then_some(id_field),
    };
    Some((common?, source))
}
