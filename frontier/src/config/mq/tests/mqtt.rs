//! MQTT, as a sink and as a source.

use super::{mistakes, sinks};
use crate::Config;
use frontier_mq::{BackendConfig, MqttConfig, RecordTemplate, SourceBackendConfig};
use std::time::Duration;

fn mqtt(keys: &str) -> MqttConfig {
    let sinks = sinks(&format!("mq: {{mqtt: {{enable: true, {keys}}}}}"));
    let [sink] = &sinks[..] else { panic!("{sinks:?}") };
    assert_eq!((sink.name, &sink.topics[..]), ("mqtt", &["temp".to_owned()][..]));
    match &sink.backend {
        BackendConfig::Mqtt(mqtt) => (**mqtt).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sink_has_the_ports_and_the_defaults_of_mqtt() {
    let addrs = |mqtt: &MqttConfig| mqtt.addrs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let plain = mqtt("producer: {topics: [temp]}");
    assert_eq!(addrs(&plain), ["127.0.0.1:1883"]);
    assert_eq!((plain.keep_alive, plain.expiry, plain.client_id), (Duration::from_secs(10), None, None));
    assert!(plain.needs_subscriber && !plain.is_retained);
    let full = mqtt(
        "addrs: ['mqtts://a', 'b:1'], tls: {enable: true}, client_id: gw, producer: {topics: [temp], retain: true, message_expiry: 100ms}",
    );
    assert_eq!(addrs(&full), ["a:8883", "b:1"]);
    assert!(full.is_retained && !full.needs_subscriber, "the broker keeps it");
    assert_eq!((full.expiry, full.client_id.as_deref()), (Some(Duration::from_secs(1)), Some("gw")));
    assert!(mqtt("producer: {topics: [temp], retain: true, require_subscriber: true}").needs_subscriber);
}

#[test]
fn each_mistake_of_a_sink_names_its_key() {
    for (keys, expected) in [
        ("", "mq.mqtt.producer.topics: has no topic"),
        ("producer: {topics: [a/+]}", "mq.mqtt.producer.topics: has \"a/+\", which becomes"),
        (
            "producer: {topics: ['*'], topic: '#{topic}'}",
            "mq.mqtt.producer.topics: has `*`, where \"topic\" becomes \"#topic\"",
        ),
        ("keep_alive: 1ms, producer: {topics: [a]}", "mq.mqtt.keep_alive: must lie"),
        ("client_id: \"a\\n\", producer: {topics: [a]}", "mq.mqtt.client_id: has characters"),
        ("producer: {topics: [a], content_type: \"\\0\"}", "mq.mqtt.producer.content_type: has characters"),
        ("username: u, producer: {topics: [a]}", "mq.mqtt.password: is required"),
    ] {
        let found = mistakes(&format!("mq: {{mqtt: {{enable: true, {keys}}}}}"));
        assert!(found.len() == 1 && found[0].contains(expected), "{keys}: {found:?}");
    }
}

#[test]
fn a_consumer_has_a_session_that_the_broker_keeps() {
    let yaml = "mq: {mqtt: {enable: true, username: u, password: p, consumers: [{name: orders, client_id: gw-1, \
                topics: ['orders/+', '#'], group: plants, session_expiry: 1h, to: {edge: '{origin:2}', topic: orders}, \
                dead_letter: {drop: true}}, {name: now, clean_start: true, retained: true, topics: [a], to: {topic: a}, \
                dead_letter: {drop: true}}]}}";
    let sources = Config::parse(yaml, &|_| None).unwrap().mq.sources;
    let of = |index: usize| match &sources[index].backend {
        SourceBackendConfig::Mqtt(mqtt) => (**mqtt).clone(),
        other => panic!("{other:?}"),
    };
    let (kept, clean) = (of(0), of(1));
    assert_eq!((kept.client_id.as_deref(), kept.session), (Some("gw-1"), Some(Duration::from_secs(3600))));
    assert_eq!(
        (kept.group.as_deref(), kept.topics),
        (Some("plants"), vec!["orders/+".to_owned(), "#".to_owned()])
    );
    assert!(!kept.takes_retained && sources[0].backend.gives_out_again());
    assert_eq!((clean.client_id, clean.session, clean.group), (None, None, None));
    assert!(clean.takes_retained && !sources[1].backend.gives_out_again());
    // By its topic, unless it is for an edge.
    assert_eq!((&sources[0].key, &sources[1].key), (&None, &Some(RecordTemplate::origin())));
}

#[test]
fn each_mistake_of_a_consumer_names_its_key() {
    let with = |keys: &str| {
        format!(
            "mq: {{mqtt: {{enable: true, client_id: sink, consumers: [{{name: c, {keys}, to: {{topic: t}}, dead_letter: {{drop: true}}}}]}}}}"
        )
    };
    for (keys, expected) in [
        ("topics: [a]", "mq.mqtt.consumers[0].client_id: is required"),
        (
            "client_id: sink, topics: [a]",
            "mq.mqtt.consumers[0].client_id: is \"sink\", which another client has",
        ),
        ("client_id: c", "mq.mqtt.consumers[0].topics: has none"),
        ("client_id: c, topics: [a/#/b]", "mq.mqtt.consumers[0].topics: has \"a/#/b\""),
        ("client_id: c, topics: [$share/g/a]", "mq.mqtt.consumers[0].topics: has \"$share/g/a\""),
        ("client_id: c, topics: [a], group: a/b", "mq.mqtt.consumers[0].group: can't be"),
        ("client_id: c, topics: [a], session_expiry: 1ms", "mq.mqtt.consumers[0].session_expiry: must lie"),
    ] {
        let found = mistakes(&with(keys));
        assert!(found.len() == 1 && found[0].contains(expected), "{keys}: {found:?}");
    }
}
