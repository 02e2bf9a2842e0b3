//! NSQ: the section `mq.nsq`.

use super::consumer::{self, Consumer, Kind};
use super::redis::FormatKey;
use super::{Sinks, addrs_of, template, tls, topics};
use frontier_config::{ByteSize, HostPort, Secret, Section};
use frontier_mq::{
    BackendConfig, Bounds, Credentials, NsqConfig, NsqSourceConfig, SinkConfig, SourceBackendConfig,
    Template, is_valid_nsq_name,
};
use std::time::Duration;

/// The port of nsqd.
const PORT: u16 = 4150;

/// The port of nsqlookupd, for HTTP.
const LOOKUP_PORT: u16 = 4161;

pub(super) fn read(section: &Section<'_>, bounds: Bounds, name_size: usize, sinks: &mut Sinks) {
    let is_enabled = section.is_enabled(false);
    let lookup_addrs = lookup_addrs(section);
    // Who asks for the others needs none by name.
    let default = if lookup_addrs.is_empty() { vec![format!("127.0.0.1:{PORT}")] } else { Vec::new() };
    let texts: Vec<String> = section.list("addrs", default);
    let must_be = is_enabled && lookup_addrs.is_empty();
    let secret: Option<Secret> = section.optional("auth_secret").filter(|secret: &Secret| !secret.is_empty());
    let credentials = Credentials { token: secret, ..Credentials::default() };
    sinks.note_secrets(&credentials);
    let (second, producer) = (Duration::from_secs(1), section.section("producer"));
    let max_message_size =
        producer.within("max_message_size", ByteSize::mib(1), ByteSize::kib(1)..=ByteSize::mib(1024));
    let config = NsqConfig {
        addrs: addrs_of(section, must_be, &texts, &[], PORT),
        credentials,
        tls: tls::read(&section.section("tls"), sinks),
        // What nsqd takes by default.
        heartbeat: section.within("heartbeat", 10 * second, second..=60 * second),
        topic: template(&producer, "topic"),
        format: producer.get("format", FormatKey::default()).0,
        max_message_size: max_message_size.as_usize(),
    };
    let consumers = consumer::sections(section);
    for section in &consumers {
        let source = read_consumer(section, bounds, &config, &lookup_addrs);
        if let Some((consumer, source)) = source.filter(|_| is_enabled) {
            let backend = SourceBackendConfig::Nsq(Box::new(source));
            sinks.add_source(section, consumer, &config.credentials, backend);
        }
    }
    let topics = topics(&producer, "topics", name_size, |topic| check(&config.topic, topic));
    if is_enabled && !topics.kept.is_empty() {
        if texts.is_empty() && !must_be {
            section.reject("addrs", "must have an address, for what is published");
        }
        let backend = BackendConfig::Nsq(Box::new(config));
        sinks.add(&producer, "topics", SinkConfig { name: "nsq", topics: topics.kept, bounds, backend });
    } else if is_enabled && !topics.is_given && !consumer::are_given(section, &consumers) {
        section.reject("producer.topics", "has no topic, nor is there a consumer: nothing goes there");
    }
}

fn lookup_addrs(section: &Section<'_>) -> Vec<HostPort> {
    let texts: Vec<String> = section.list("lookup_addrs", Vec::new());
    let parse = |text: &String| {
        let bare = text.strip_prefix("http://").unwrap_or(text);
        let parsed = bare.parse().or_else(|()| format!("{bare}:{LOOKUP_PORT}").parse::<HostPort>());
        parsed
            .inspect_err(|()| {
                section.reject("lookup_addrs", "expected a host and a port such as lookup.example:4161");
            })
            .ok()
    };
    texts.iter().filter_map(parse).collect()
}

fn read_consumer(
    section: &Section<'_>,
    bounds: Bounds,
    config: &NsqConfig,
    lookup_addrs: &[HostPort],
) -> Option<(Consumer, NsqSourceConfig)> {
    let common = consumer::read(section, bounds, &Kind::default());
    let name = |key, default: &str| {
        let name: String = section.get(key, default.to_owned());
        if name.is_empty() {
            section.reject(key, "is required");
        } else if !is_valid_nsq_name(&name) {
            section.reject(key, "can't be one: at most 64 letters, digits, dots, `_` and `-`");
        }
        name
    };
    let second = Duration::from_secs(1);
    let source = NsqSourceConfig {
        addrs: config.addrs.clone(),
        lookup_addrs: lookup_addrs.to_vec(),
        credentials: config.credentials.clone(),
        tls: config.tls.clone(),
        heartbeat: config.heartbeat,
        topic: name("topic", ""),
        channel: name("channel", "frontier"),
        message_timeout: section.within("msg_timeout", 60 * second, second..=900 * second),
        format: section.get("format", FormatKey::default()).0,
    };
    Some((common?, source))
}

fn check(template: &Template, topic: &str) -> Result<(), String> {
    let topic = template.name(topic, "1");
    if is_valid_nsq_name(&topic) {
        return Ok(());
    }
    Err(format!(
        "becomes {topic:?}: no topic of NSQ, which has at most 64 letters, digits, dots, `_` and `-`"
    ))
}
