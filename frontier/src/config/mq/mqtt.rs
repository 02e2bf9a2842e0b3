//! MQTT 5: the section `mq.mqtt`.

use super::consumer::{self, Consumer, Kind};
use super::{Sinks, addrs, credentials, template, tls, topics};
use frontier_config::Section;
use frontier_mq::{
    BackendConfig, Bounds, MqttConfig, MqttSourceConfig, RecordTemplate, SinkConfig, SourceBackendConfig,
    Template, is_mqtt_text, is_valid_mqtt_filter, is_valid_mqtt_topic,
};
use std::time::Duration;

/// The port of MQTT.
const PORT: u16 = 1883;

/// The same with TLS.
const TLS_PORT: u16 = 8883;

/// Bytes of the name of a client: some servers take no more.
const MAX_CLIENT_ID: usize = 256;

pub(super) fn read(section: &Section<'_>, bounds: Bounds, name_size: usize, sinks: &mut Sinks) {
    let is_enabled = section.is_enabled(false);
    let tls = tls::read(&section.section("tls"), sinks);
    let port = if tls.is_some() { TLS_PORT } else { PORT };
    let producer = section.section("producer");
    let is_retained = producer.get("retain", false);
    let second = Duration::from_secs(1);
    let expiry = producer.within("message_expiry", Duration::ZERO, Duration::ZERO..=365 * 24 * 3600 * second);
    let config = MqttConfig {
        addrs: addrs(section, is_enabled, &["mqtt://", "mqtts://"], port),
        credentials: credentials(section, false, sinks),
        tls,
        client_id: client_id(section, "client_id"),
        keep_alive: section.within("keep_alive", 10 * second, second..=3600 * second),
        topic: template(&producer, "topic"),
        is_retained,
        // What the server keeps is not gone without a subscriber.
        needs_subscriber: producer.get("require_subscriber", !is_retained),
        // Whole seconds, and not none of them.
        expiry: (!expiry.is_zero()).then(|| expiry.max(second)),
        content_type: text(&producer, "content_type"),
    };
    let has_consumers = read_consumers(section, bounds, &config, sinks, is_enabled);
    let topics = topics(&producer, "topics", name_size, |topic| check(&config.topic, topic));
    if is_enabled && !topics.kept.is_empty() {
        let backend = BackendConfig::Mqtt(Box::new(config));
        sinks.add(&producer, "topics", SinkConfig { name: "mqtt", topics: topics.kept, bounds, backend });
    } else if is_enabled && !topics.is_given && !has_consumers {
        section.reject("producer.topics", "has no topic, nor is there a consumer: nothing goes there");
    }
}

/// Whether there are any.
fn read_consumers(
    section: &Section<'_>,
    bounds: Bounds,
    config: &MqttConfig,
    sinks: &mut Sinks,
    is_enabled: bool,
) -> bool {
    let (sections, mut names) = (consumer::sections(section), Vec::from_iter(config.client_id.clone()));
    for section in &sections {
        let Some((consumer, source)) = read_consumer(section, bounds, config) else { continue };
        if let Some(name) = source.client_id.clone() {
            if names.contains(&name) {
                section
                    .reject("client_id", format!("is {name:?}, which another client has: each has its own"));
            }
            names.push(name);
        }
        if is_enabled {
            let backend = SourceBackendConfig::Mqtt(Box::new(source));
            sinks.add_source(section, consumer, &config.credentials, backend);
        }
    }
    consumer::are_given(section, &sections)
}

fn read_consumer(
    section: &Section<'_>,
    bounds: Bounds,
    config: &MqttConfig,
) -> Option<(Consumer, MqttSourceConfig)> {
    let kind = Kind { key: Some(RecordTemplate::origin()), can_reject: false };
    let common = consumer::read(section, bounds, &kind);
    let topics: Vec<String> = section.list("topics", Vec::new());
    if topics.is_empty() {
        section.reject("topics", "has none: nothing is read");
    }
    for topic in topics.iter().filter(|topic| !is_valid_mqtt_filter(topic) || topic.starts_with("$share/")) {
        let text = format!("has {topic:?}, which can't be subscribed to (a group is `group`)");
        section.reject("topics", text);
    }
    let group = text(section, "group");
    if group.contains(['/', '+', '#']) {
        section.reject("group", "can't be the name of a group: no `/`, `+` and `#`");
    }
    let second = Duration::from_secs(1);
    let is_clean = section.get("clean_start", false);
    let expiry = section.within("session_expiry", 24 * 3600 * second, second..=u32::MAX * second);
    let client_id = client_id(section, "client_id");
    if client_id.is_none() && !is_clean {
        let text = "is required: by it the broker keeps what is not acked, and another gateway has another one; \
                    or `clean_start: true`";
        section.reject("client_id", text);
    }
    let source = MqttSourceConfig {
        addrs: config.addrs.clone(),
        credentials: config.credentials.clone(),
        tls: config.tls.clone(),
        keep_alive: config.keep_alive,
        client_id,
        session: (!is_clean).then_some(expiry),
        topics,
        group: (!group.is_empty()).then_some(group),
        takes_retained: section.get("retained", false),
    };
    Some((common?, source))
}

/// What a client is called, if it is said.
fn client_id(section: &Section<'_>, key: &'static str) -> Option<String> {
    let name = text(section, key);
    if name.len() > MAX_CLIENT_ID {
        section.reject(key, format!("must have at most {MAX_CLIENT_ID} bytes"));
    }
    (!name.is_empty()).then_some(name)
}

fn text(section: &Section<'_>, key: &'static str) -> String {
    let text: String = section.get(key, String::new());
    if !is_mqtt_text(&text) {
        section.reject(key, "has characters that MQTT does not take");
    }
    text
}

fn check(template: &Template, topic: &str) -> Result<(), String> {
    let topic = template.name(topic, "1");
    if is_valid_mqtt_topic(&topic) {
        return Ok(());
    }
    Err(format!("becomes {topic:?}: no topic of MQTT, for a wildcard or a control character"))
}
