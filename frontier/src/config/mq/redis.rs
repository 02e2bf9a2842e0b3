//! Redis, its channels and its streams: the section `mq.redis`.

use super::{Sinks, addrs, credentials, template, tls, topics};
use frontier_config::{Choice, Section};
use frontier_mq::{BackendConfig, Bounds, Format, RedisConfig, RedisTarget, SinkConfig};

/// The port of Redis.
const PORT: u16 = 6379;

/// What of a message is published, as it stands in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct FormatKey(Format);

impl Choice for FormatKey {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("payload", Self(Format::Payload)), ("json", Self(Format::Json))];
}

pub(super) fn read(section: &Section<'_>, bounds: Bounds, name_size: usize, sinks: &mut Sinks) {
    let is_enabled = section.get("enable", false);
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
    let mut is_given = false;
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
        section
            .reject("producer.channels", "has no topic, nor has streams.producer.topics: nothing goes there");
    }
}
