//! The section as it is by default, and every mistake in it.

use super::*;
use frontier_mq::{KafkaCompression, SaslMechanism, Template};

const BOUNDS: Bounds = Bounds {
    messages: 100,
    bytes: 1 << 20,
    timeout: Duration::from_secs(10),
    connect_timeout: Duration::from_secs(5),
    max_backoff: Duration::from_secs(5),
};

fn kafka() -> KafkaConfig {
    KafkaConfig {
        addrs: vec!["kafka:9092".parse().unwrap()],
        credentials: Default::default(),
        mechanism: SaslMechanism::Plain,
        tls: None,
        topic: Template::topic(),
        create_topics: false,
        compression: KafkaCompression::None,
        compression_level: None,
        max_message_size: 1 << 20,
    }
}

fn read(yaml: &str) -> Result<Option<RelayConfig>, String> {
    let brokers = Brokers { amqp: None, kafka: Some(kafka()), bounds: Some(BOUNDS) };
    let read = |root: &Section<'_>| RelayConfig::read(root, &brokers, &mut AccessConfig::default());
    frontier_config::load(yaml, &|_| None, &[], read).map_err(|errors| errors.to_string())
}

#[test]
fn it_is_off_until_it_is_asked_for() {
    assert!(read("").unwrap().is_none());
    assert!(read("relay: {kafka: {topics: [t]}}").unwrap().is_none());
    let config = read("relay: {enable: true, kafka: {topics: [t, 'log.*']}}").unwrap().unwrap();
    assert_eq!(config.server.addr, DEFAULT_ADDR);
    assert_eq!(config.budget(), Duration::from_secs(6));
    // Beyond what a message may take, so that each is answered.
    assert_eq!(config.server.request_timeout, Duration::from_secs(7));
    assert!(config.job_rate.is_some() && config.user_rate.is_none() && !config.edges);
    let none = read("relay: {enable: true, job_rate: 0, kafka: {topics: [t]}}").unwrap().unwrap();
    assert!(none.job_rate.is_none());
}

#[test]
fn mistakes_are_told_with_their_keys() {
    for (yaml, expected) in [
        ("relay: {enable: true}", "relay.enable: allows no target"),
        (
            "relay: {enable: true, kafka: {topics: [t]}, attempts: 3}",
            "relay.attempt_timeout: makes 12s for 3 attempts, and mq.timeout",
        ),
        (
            "relay: {enable: true, amqp: {exchanges: [{name: e, routing_keys: a}]}}",
            "relay.amqp.exchanges: are of mq.amqp, which is not enabled",
        ),
        ("relay: {amqp: {exchanges: [{name: e}]}}", "relay.amqp.exchanges[0].routing_keys: is required"),
        (
            "relay: {amqp: {exchanges: [{name: e, routing_keys: a}, {name: e, routing_keys: b}]}}",
            "relay.amqp.exchanges[1].name: \"e\" is there before",
        ),
        ("relay: {kafka: {servers: ['a b']}}", "relay.kafka.servers[0]: expected a host such as"),
        (
            "relay: {listen: {addr: '10.0.0.1:1'}}",
            "relay.auth: is required, with `methods`, where other machines",
        ),
        ("relay: {user_burst: 0}", "relay.user_burst: must"),
        (
            "relay: {kafka: {topics: ['a b']}}",
            "relay.kafka.topics: has \"a b\", which no topic of Kafka can be",
        ),
        (
            "relay: {kafka: {topics: ['a/*']}}",
            "relay.kafka.topics: has \"a/*\", which no topic of Kafka can be",
        ),
        (
            "relay: {kafka: {topics: ['..']}}",
            "relay.kafka.topics: has \"..\", which no topic of Kafka can be",
        ),
        ("relay: {kafka: {topic: t}}", "relay.kafka.topic: unknown key"),
    ] {
        let told = read(yaml).expect_err(yaml);
        assert!(told.contains(expected), "{yaml}: {told}");
    }
}

#[test]
fn patterns_that_a_topic_or_a_routing_key_can_match_are_taken() {
    let config =
        read("relay: {enable: true, kafka: {topics: ['*', '.*', 'a?b', 'log.*', a-1_x]}}").unwrap().unwrap();
    let sinks = config.sinks();
    let [(path, sink)] = &sinks[..] else { panic!("{sinks:?}") };
    // What is a name must be there, and what is a pattern need not.
    assert_eq!((&**path, &sink.topics[..]), ("relay.kafka.topics", &["a-1_x".to_owned()][..]));
    let long = "x".repeat(256);
    let told = read(&format!("relay: {{amqp: {{exchanges: [{{name: e, routing_keys: ['{long}*']}}]}}}}"));
    assert!(told.unwrap_err().contains("relay.amqp.exchanges[0].routing_keys: has"), "it can match nothing");
}
