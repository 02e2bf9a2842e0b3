//! Consumers, and every mistake in them.

use super::mistakes;
use crate::Config;
use frontier_mq::{DeadLetter, RecordTemplate, SourceBackendConfig, SourceConfig, Target};
use std::time::Duration;

fn sources(yaml: &str) -> Vec<SourceConfig> {
    Config::parse(yaml, &|_| None).unwrap().mq.sources
}

/// A file with this consumer of Redis.
fn redis(consumer: &str) -> String {
    format!("mq: {{redis: {{enable: true, password: hidden, streams: {{consumers: [{consumer}]}}}}}}")
}

const WHOLE: &str = "name: a, streams: [s], to: {topic: t}, dead_letter: {drop: true}";

#[test]
fn defaults_are_those_that_are_written_down() {
    let yaml = redis(
        "{name: orders, streams: [orders, more], to: {edge: '{header:edge_id}', topic: '{origin}'}, dead_letter: {file: dead}}",
    );
    let [source] = &sources(&yaml)[..] else { panic!("one") };
    assert!(!format!("{source:?}").contains("hidden"));
    let secs = Duration::from_secs;
    assert_eq!((&*source.name, &source.key), ("orders", &None));
    assert_eq!(
        (source.bounds.messages, source.bounds.bytes, source.bounds.timeout),
        (1024, 16 << 20, secs(10))
    );
    assert_eq!(
        (source.bounds.waiting, source.bounds.waiting_bytes, source.bounds.most()),
        (4096, 16 << 20, 5120)
    );
    assert_eq!((source.retry.attempts, source.retry.first, source.retry.max), (10, secs(1), secs(30)));
    assert_eq!(source.retry.wait, Some(secs(300)));
    assert_eq!(source.dead_letter, DeadLetter::File("dead".into(), 64 << 20));
    let SourceBackendConfig::RedisStreams(redis) = &source.backend else { panic!("{source:?}") };
    assert_eq!((redis.streams.len(), &*redis.group, &redis.consumer), (2, "frontier", &None));
    assert!(redis.from_beginning && redis.payload.as_deref() == Some("payload"));
    assert_eq!((redis.claim_after, redis.id_field.as_deref()), (secs(60), None));
}

#[test]
fn the_id_of_an_entry_goes_along_by_a_name_of_its_own() {
    let yaml = redis(
        "{name: a, streams: [s], to: {topic: t}, dead_letter: {drop: true}, payload: '', id_field: message_id}",
    );
    let [source] = &sources(&yaml)[..] else { panic!("one") };
    let SourceBackendConfig::RedisStreams(redis) = &source.backend else { panic!("{source:?}") };
    assert_eq!((redis.payload.as_deref(), redis.id_field.as_deref()), (None, Some("message_id")));
}

#[test]
fn each_target_is_read() {
    let target = |to: &str| {
        let yaml = redis(&format!("{{name: a, streams: [s], to: {to}, dead_letter: {{drop: true}}}}"));
        let [source] = &sources(&yaml)[..] else { panic!("one") };
        (source.target.clone(), source.retry.wait)
    };
    let (to, wait) = target("{labels: {region: eu, kind: pump}, method: '{header:do}'}");
    let Target::Labels { labels, request } = to else { panic!("{to:?}") };
    assert_eq!((labels.len(), request.is_call, wait), (2, true, Some(Duration::from_secs(300))));
    let (to, wait) = target("{topic: raw, from: '{header:edge}'}");
    let Target::Service { from: Some(from), request } = to else { panic!("{to:?}") };
    assert_eq!((from, wait), (RecordTemplate::parse("{header:edge}").unwrap(), None));
    assert!(!request.is_call);
}

#[test]
fn of_nats_there_are_two_kinds() {
    let yaml = "mq: {nats: {enable: true, consumers: [{name: q, subjects: ['a.*'], to: {topic: t}, dead_letter: {drop: true}}],
        jetstream: {enable: true, consumers: [{name: j, stream: s, start: end, to: {topic: t}, dead_letter: {drop: true}}]}}}";
    let [queue, durable] = &sources(yaml)[..] else { panic!("two") };
    assert!(matches!(&queue.backend, SourceBackendConfig::NatsQueue(_, queue) if queue.group == "frontier"));
    assert!(!queue.backend.gives_out_again() && durable.backend.gives_out_again());
    let SourceBackendConfig::JetStream(_, consumer) = &durable.backend else { panic!("{durable:?}") };
    assert_eq!((&*consumer.durable, consumer.from_beginning, &consumer.filter), ("frontier", false, &None));
    // In the order of the subject, unless it is said.
    assert_eq!(durable.key, Some(RecordTemplate::origin()));
    assert!(
        sources(
            "mq: {nats: {consumers: [{name: q, subjects: [a], to: {topic: t}, dead_letter: {drop: true}}]}}"
        )
        .is_empty()
    );
}

#[test]
fn queues_are_read() {
    let yaml = "mq: {amqp: {enable: true, queues: [{name: q}], consumers: [{name: a, queue: q, to: {topic: t}, dead_letter: {reject: true}}]}}";
    let [queue] = &sources(yaml)[..] else { panic!("one") };
    let SourceBackendConfig::Amqp(server, consumer) = &queue.backend else { panic!("{queue:?}") };
    assert_eq!((&*consumer.queue, server.topology.queues.len()), ("q", 1));
    assert_eq!(queue.dead_letter, DeadLetter::Reject);
    let found = mistakes(
        "mq: {amqp: {enable: true, consumers: [{name: k, to: {topic: t}, dead_letter: {reject: true, drop: true}}]}}",
    );
    assert!(
        found.len() == 2
            && found[0].contains("queue: is required")
            && found[1].contains("beside another way"),
        "{found:?}"
    );
}

#[test]
fn groups_of_kafka_are_read() {
    let of = |keys: &str| {
        format!(
            "mq: {{kafka: {{enable: true, consumers: [{{name: k, {keys}, dead_letter: {{drop: true}}}}]}}}}"
        )
    };
    let [group] = &sources(&of("topics: [a, b], to: {edge: '{key:u64}', topic: t}"))[..] else {
        panic!("one")
    };
    let SourceBackendConfig::Kafka(_, kafka) = &group.backend else { panic!("{group:?}") };
    assert_eq!(
        (kafka.topics.len(), &*kafka.group, kafka.from_beginning, &group.key),
        (2, "frontier", true, &None)
    );
    assert_eq!(kafka.max_ahead, 10_000);
    // In the order of the records' own keys, unless it is said.
    let [group] = &sources(&of("topics: [a], start: end, to: {topic: t}"))[..] else { panic!("one") };
    assert_eq!(group.key, Some(RecordTemplate::key()));
    for (topics, expected) in
        [("['a b']", "no topic of Kafka"), ("[a, a]", "has \"a\" twice"), ("[]", "nothing is read")]
    {
        let found = mistakes(&of(&format!("topics: {topics}, to: {{topic: t}}")));
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }
}

#[test]
fn each_mistake_names_its_key() {
    let path = "mq.redis.streams.consumers[0]";
    for (consumer, key, expected) in [
        ("{streams: [s], to: {topic: t}, dead_letter: {drop: true}}", "name", "is required"),
        ("{name: 'a b', streams: [s], to: {topic: t}, dead_letter: {drop: true}}", "name", "letters, digits"),
        (
            "{name: redis, streams: [s], to: {topic: t}, dead_letter: {drop: true}}",
            "name",
            "the name of a sink",
        ),
        ("{name: a, to: {topic: t}, dead_letter: {drop: true}}", "streams", "has none"),
        ("{name: a, streams: [s, s], to: {topic: t}, dead_letter: {drop: true}}", "streams", "there twice"),
        ("{name: a, streams: [s], dead_letter: {drop: true}}", "to.topic", "is required, or `method`"),
        (
            "{name: a, streams: [s], to: {topic: t, method: m}, dead_letter: {drop: true}}",
            "to.method",
            "is there beside `topic`",
        ),
        (
            "{name: a, streams: [s], to: {topic: t, edge: '1', labels: {a: b}}, dead_letter: {drop: true}}",
            "to.labels",
            "is there beside `edge`",
        ),
        (
            "{name: a, streams: [s], to: {topic: t, edge: '1', from: '2'}, dead_letter: {drop: true}}",
            "to.from",
            "where services get",
        ),
        (
            "{name: a, streams: [s], to: {topic: t, edge: '{topic}'}, dead_letter: {drop: true}}",
            "to.edge",
            "knows {origin}",
        ),
        ("{name: a, streams: [s], to: {topic: t}}", "dead_letter.file", "is required"),
        (
            "{name: a, streams: [s], to: {topic: t}, dead_letter: {file: f, drop: true}}",
            "dead_letter.file",
            "beside another way",
        ),
        (
            "{name: a, streams: [s], to: {topic: t}, dead_letter: {file: /no/such/dead}}",
            "dead_letter.file",
            "the folder /no/such is not there",
        ),
        (
            "{name: a, streams: [s], to: {topic: t}, dead_letter: {drop: true}, backoff: 1m}",
            "max_retry_backoff",
            "must be `backoff` at least",
        ),
        (
            "{name: a, streams: [s], to: {topic: t}, dead_letter: {drop: true}, claim_after: 1ms}",
            "claim_after",
            "must lie",
        ),
        (
            "{name: a, streams: [s], to: {topic: t}, dead_letter: {drop: true}, id_field: payload}",
            "id_field",
            "is the field that is the payload",
        ),
        (
            "{name: a, streams: [s], to: {topic: t}, dead_letter: {reject: true, drop: true}}",
            "dead_letter.reject",
            "unknown",
        ),
    ] {
        let found = mistakes(&redis(consumer));
        let key = format!("{path}.{key}: ");
        assert!(
            found.len() == 1 && found[0].contains(&key) && found[0].contains(expected),
            "{consumer}: {found:?}"
        );
    }
    let twice = redis(&format!("{{{WHOLE}}}, {{{WHOLE}}}"));
    assert!(mistakes(&twice)[0].contains("consumers[1].name: is \"a\", as that of another"));
    let nats = |consumer: &str| format!("mq: {{nats: {{enable: true, consumers: [{consumer}]}}}}");
    let found = mistakes(&nats(
        "{name: a, subjects: ['a..b'], group: 'x y', to: {topic: t}, dead_letter: {drop: true}}",
    ));
    assert!(found.len() == 2 && found[0].contains("can't be subscribed to"), "{found:?}");
}

#[test]
fn consumers_take_a_reload() {
    let parse = |yaml: &str| Config::parse(yaml, &|_| None).unwrap();
    let before = parse(&redis(&format!("{{{WHOLE}}}")));
    let after = parse(&redis(&format!("{{{WHOLE}, timeout: 1s}}")).replace("hidden", "other"));
    assert_eq!(before.fixed.changed(&after.fixed), [] as [&str; 0]);
    assert!(before.mq.sources[0].secrets != after.mq.sources[0].secrets);
}

#[test]
fn two_consumers_of_one_group_are_meant_for_one_target() {
    let two = |section: &str, list: &str, one: &str, other: &str| {
        let consumer = |name: &str, keys: &str, to: &str| {
            format!("{{name: {name}, {keys}, to: {{topic: {to}}}, dead_letter: {{drop: true}}}}")
        };
        let of = |to: &str| {
            let consumers = format!("[{}, {}]", consumer("a", one, "t"), consumer("b", other, to));
            let closing = "}".repeat(list.matches('{').count());
            format!("mq: {{{section}: {{enable: true, {list}consumers: {consumers}{closing}}}}}")
        };
        assert_eq!(sources(&of("t")).len(), 2, "{one} {other}");
        mistakes_of(&of("u"))
    };
    let (streams, jetstream) = ("streams: {", "jetstream: {enable: true, ");
    for (section, list, one, other, key) in [
        ("kafka", "", "topics: [x, y]", "topics: [z, y]", "topics"),
        ("amqp", "", "queue: q", "queue: q", "queue"),
        ("nats", "", "subjects: [a.*]", "subjects: [b, a.c]", "subjects"),
        ("nats", jetstream, "stream: s", "stream: s", "durable"),
        ("nsq", "", "topic: x", "topic: x", "channel"),
        ("redis", streams, "streams: [s]", "streams: [r, s], consumer: c", "streams"),
        (
            "mqtt",
            "",
            "topics: ['a/+'], group: g, client_id: a",
            "topics: ['a/+'], group: g, client_id: b",
            "topics",
        ),
    ] {
        let found = two(section, list, one, other);
        let [mistake] = &found[..] else { panic!("{section}: {found:?}") };
        assert!(mistake.contains(&format!("consumers[1].{key}: shares")), "{mistake}");
        assert!(mistake.contains("with the consumer a, whose `to` differs"), "{mistake}");
    }
    for (section, list, one, other) in [
        ("kafka", "", "topics: [x]", "topics: [y]"),
        ("kafka", "", "topics: [x]", "topics: [x], group: other"),
        ("amqp", "", "queue: q", "queue: r"),
        ("nats", "", "subjects: [a.*]", "subjects: [a.c], group: other"),
        ("nats", jetstream, "stream: s", "stream: s, durable: other"),
        ("nsq", "", "topic: x", "topic: y"),
        ("redis", streams, "streams: [s]", "streams: [s], group: other"),
        ("mqtt", "", "topics: [a], client_id: a", "topics: [a], client_id: b"),
    ] {
        assert_eq!(two(section, list, one, other), [""; 0], "{section}: {one} {other}");
    }
}

#[test]
fn some_things_only_one_consumer_has() {
    let two = |section: &str, list: &str, one: &str, other: &str| {
        let rest = "to: {topic: t}, dead_letter: {drop: true}";
        let closing = "}".repeat(list.matches('{').count());
        let found = mistakes_of(&format!(
            "mq: {{{section}: {{enable: true, {list}consumers: [{{name: a, {one}, {rest}}}, {{name: b, {other}, {rest}}}]{closing}}}}}"
        ));
        let [mistake] = &found[..] else { panic!("{found:?}") };
        mistake.clone()
    };
    let exclusive = two("amqp", "", "queue: q, exclusive: true", "queue: q");
    assert!(exclusive.contains("consumers[1].queue: is \"q\", which is read as `exclusive`"), "{exclusive}");
    let named = two("redis", "streams: {", "streams: [s], consumer: c", "streams: [s], consumer: c");
    assert!(named.contains("consumers[1].consumer: is \"c\" in the group"), "{named}");
    let filters = two("nats", "jetstream: {enable: true, ", "stream: s, filter: a", "stream: s, filter: b");
    assert!(filters.contains("consumers[1].filter: is that of another \"frontier\" of \"s\""), "{filters}");
}

#[test]
fn what_no_edge_is_called_is_refused() {
    for (to, key) in [
        ("{edge: abc, topic: t}", "to.edge"),
        ("{edge: 0, topic: t}", "to.edge"),
        ("{edge: 'x-{key}', topic: t}", "to.edge"),
        ("{from: abc, topic: t}", "to.from"),
    ] {
        let found =
            mistakes_of(&redis(&format!("{{name: a, streams: [s], to: {to}, dead_letter: {{drop: true}}}}")));
        let [mistake] = &found[..] else { panic!("{found:?}") };
        assert!(mistake.contains(&format!("consumers[0].{key}: is no EdgeID")), "{mistake}");
    }
    for to in ["{edge: 7, topic: t}", "{edge: '1{origin:2}', topic: t}", "{from: '{key}', topic: t}"] {
        sources(&redis(&format!("{{name: a, streams: [s], to: {to}, dead_letter: {{drop: true}}}}")));
    }
}

/// None where all is well.
fn mistakes_of(yaml: &str) -> Vec<String> {
    match Config::parse(yaml, &|_| None) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.mistakes().iter().map(ToString::to_string).collect(),
    }
}
