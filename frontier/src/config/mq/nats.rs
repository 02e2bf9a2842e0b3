//! NATS and JetStream: the section `mq.nats`.

use super::consumer::{self, Consumer, Kind, Start};
use super::{Sinks, addrs, credentials, template, tls, topics};
use frontier_config::Section;
use frontier_mq::{
    BackendConfig, Bounds, JetStreamConfig, JetStreamConsumer, NatsConfig, NatsQueue, NatsSourceConfig,
    RecordTemplate, SinkConfig, SourceBackendConfig, Template, is_valid_subject,
};
use std::time::Duration;

/// The port of NATS.
const PORT: u16 = 4222;

/// Bytes of the name of a stream, as NATS has it.
const MAX_STREAM_NAME: usize = 255;

pub(super) fn read(section: &Section<'_>, bounds: Bounds, name_size: usize, sinks: &mut Sinks) {
    let is_enabled = section.is_enabled(false);
    let core = NatsConfig {
        addrs: addrs(section, is_enabled, &["nats://", "tls://"], PORT),
        credentials: credentials(section, true, sinks),
        tls: tls::read(&section.section("tls"), sinks),
        subject: template(&section.section("producer"), "subject"),
        jetstream: None,
    };
    let jetstream = section.section("jetstream");
    let has_jetstream = jetstream.is_enabled(false);
    let stored = NatsConfig {
        subject: template(&jetstream.section("producer"), "subject"),
        jetstream: Some(JetStreamConfig { create: stream_name(&jetstream) }),
        ..core.clone()
    };
    let mut is_given =
        read_consumers(section, &jetstream, bounds, &core, sinks, [is_enabled, is_enabled && has_jetstream]);
    let producers = [
        ("nats", core, section.section("producer"), is_enabled),
        ("jetstream", stored, jetstream.section("producer"), is_enabled && has_jetstream),
    ];
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
            "has no topic, nor has jetstream.producer.subjects, nor is there a consumer: nothing goes there",
        );
    }
}

/// Those of core NATS and of JetStream, where they are on. Whether there are any.
fn read_consumers(
    core: &Section<'_>,
    jetstream: &Section<'_>,
    bounds: Bounds,
    config: &NatsConfig,
    sinks: &mut Sinks,
    [core_is_on, jetstream_is_on]: [bool; 2],
) -> bool {
    let NatsConfig { addrs, credentials, tls, .. } = config.clone();
    let server = NatsSourceConfig { addrs, credentials, tls };
    let kind = Kind { key: Some(RecordTemplate::origin()), can_reject: false };
    let (of_core, of_jetstream) = (consumer::sections(core), consumer::sections(jetstream));
    let are_given = consumer::are_given(core, &of_core) || consumer::are_given(jetstream, &of_jetstream);
    for section in of_core {
        let common = consumer::read(&section, bounds, &kind);
        let backend = SourceBackendConfig::NatsQueue(server.clone(), queue(&section));
        add(&section, common, config, backend, sinks, core_is_on);
    }
    for section in of_jetstream {
        let common = consumer::read(&section, bounds, &kind);
        let backend = SourceBackendConfig::JetStream(server.clone(), durable(&section));
        add(&section, common, config, backend, sinks, jetstream_is_on);
    }
    are_given
}

fn add(
    section: &Section<'_>,
    common: Option<Consumer>,
    config: &NatsConfig,
    backend: SourceBackendConfig,
    sinks: &mut Sinks,
    is_on: bool,
) {
    if let Some(common) = common.filter(|_| is_on) {
        sinks.add_source(section, common, &config.credentials, backend);
    }
}

fn queue(section: &Section<'_>) -> NatsQueue {
    let subjects: Vec<String> = section.list("subjects", Vec::new());
    if subjects.is_empty() {
        section.reject("subjects", "has none: nothing is read");
    }
    for subject in subjects.iter().filter(|subject| !is_valid_pattern(subject)) {
        section.reject("subjects", format!("has {subject:?}, which can't be subscribed to"));
    }
    let group: String = section.filled("group", "frontier".to_owned());
    if !is_valid_subject(&group) {
        section.reject("group", "can't be the name of a group: no wildcards, no empty parts and no spaces");
    }
    NatsQueue { subjects, group }
}

fn durable(section: &Section<'_>) -> JetStreamConsumer {
    let name = |key, default: &str| {
        let name: String = section.filled(key, default.to_owned());
        if name.is_empty() {
            section.reject(key, "is required");
        } else if is_wrong_name(&name) {
            section.reject(key, NAME_RULE);
        }
        name
    };
    let filter: String = section.get("filter", String::new());
    if !filter.is_empty() && !is_valid_pattern(&filter) {
        section.reject("filter", "can't be subscribed to");
    }
    let second = Duration::from_secs(1);
    JetStreamConsumer {
        stream: name("stream", ""),
        durable: name("durable", "frontier"),
        filter: (!filter.is_empty()).then_some(filter),
        from_beginning: section.get("start", Start::default()) == Start::Beginning,
        ack_wait: section.within("ack_wait", 30 * second, second..=24 * 3600 * second),
    }
}

/// What a stream and a consumer can't be called.
const NAME_RULE: &str = "can't be one: at most 255 bytes without dots, spaces, `*`, `>` and slashes";

fn is_wrong_name(name: &str) -> bool {
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '*' | '>' | '/' | '\\');
    name.len() > MAX_STREAM_NAME || name.contains(is_wrong)
}

/// Whether it can be subscribed to: as a subject, but for parts that are wildcards.
fn is_valid_pattern(pattern: &str) -> bool {
    let count = pattern.split('.').count();
    pattern.split('.').enumerate().all(|(index, token)| match token {
        "*" => true,
        ">" => index + 1 == count,
        token => is_valid_subject(token),
    })
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
    if is_wrong_name(&name) {
        let text = format!(
            "can't be the name of a stream: at most {MAX_STREAM_NAME} bytes without dots, spaces, `*`, `>` and slashes"
        );
        jetstream.reject("name", text);
    }
    (!name.is_empty()).then_some(name)
}
