//! NATS and JetStream: the section `mq.nats`.

use super::{Sinks, addrs, credentials, template, tls, topics};
use frontier_config::Section;
use frontier_mq::{
    BackendConfig, Bounds, JetStreamConfig, NatsConfig, SinkConfig, Template, is_valid_subject,
};

/// The port of NATS.
const PORT: u16 = 4222;

/// Bytes of the name of a stream, as NATS has it.
const MAX_STREAM_NAME: usize = 255;

pub(super) fn read(section: &Section<'_>, bounds: Bounds, name_size: usize, sinks: &mut Sinks) {
    let is_enabled = section.get("enable", false);
    let core = NatsConfig {
        addrs: addrs(section, is_enabled, &["nats://", "tls://"], PORT),
        credentials: credentials(section, true, sinks),
        tls: tls::read(&section.section("tls"), sinks),
        subject: template(&section.section("producer"), "subject"),
        jetstream: None,
    };
    let jetstream = section.section("jetstream");
    let has_jetstream = jetstream.get("enable", false);
    let stored = NatsConfig {
        subject: template(&jetstream.section("producer"), "subject"),
        jetstream: Some(JetStreamConfig { create: stream_name(&jetstream) }),
        ..core.clone()
    };
    let producers = [
        ("nats", core, section.section("producer"), is_enabled),
        ("jetstream", stored, jetstream.section("producer"), is_enabled && has_jetstream),
    ];
    let mut is_given = false;
    for (name, config, producer, is_on) in producers {
        let topics = topics(&producer, "subjects", name_size, |topic| check(&config.subject, topic));
        is_given |= topics.is_given;
        let topics = topics.kept;
        if is_on && !topics.is_empty() {
            sinks.add(
                &producer,
                "subjects",
                SinkConfig { name, topics, bounds, backend: BackendConfig::Nats(config) },
            );
        }
    }
    if has_jetstream && !is_enabled {
        jetstream.reject("enable", "needs `nats.enable`");
    } else if is_enabled && !is_given {
        section.reject(
            "producer.subjects",
            "has no topic, nor has jetstream.producer.subjects: nothing goes there",
        );
    }
}

fn check(subject: &Template, topic: &str) -> Result<(), String> {
    let subject = subject.name(topic, "1");
    if is_valid_subject(&subject) {
        return Ok(());
    }
    Err(format!("becomes {subject:?}: no subject of NATS, for a wildcard, an empty part or a space"))
}

fn stream_name(jetstream: &Section<'_>) -> Option<String> {
    let name: String = jetstream.get("name", String::new());
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '*' | '>' | '/' | '\\');
    if name.len() > MAX_STREAM_NAME || name.contains(is_wrong) {
        let text = format!(
            "can't be the name of a stream: at most {MAX_STREAM_NAME} bytes without dots, spaces, `*`, `>` and slashes"
        );
        jetstream.reject("name", text);
    }
    (!name.is_empty()).then_some(name)
}
