//! The section as it is today and as older files have it, and every mistake in it.

mod consumers;
mod mqtt;
mod nsq;

use crate::Config;
use frontier_mq::{
    AmqpBinding, BackendConfig, Format, KafkaCompression, RedisTarget, SinkConfig, Template, WhenFull,
};
use std::time::Duration;

fn sinks(yaml: &str) -> Vec<SinkConfig> {
    Config::parse(yaml, &|_| None).unwrap().mq.sinks
}

fn mistakes(yaml: &str) -> Vec<String> {
    let errors = Config::parse(yaml, &|_| None).expect_err(yaml);
    errors.mistakes().iter().map(ToString::to_string).collect()
}

#[test]
fn without_the_section_there_is_no_sink() {
    assert!(sinks("").is_empty());
    assert!(sinks("mq: {nats: {producer: {subjects: [a]}}, redis: {producer: {channels: [b]}}}").is_empty());
}

#[test]
fn a_file_of_the_original_loads() {
    let yaml = "
mqm:
  kafka: {enable: false, addrs: [], producer: {topics: [], idepotent: false}}
  amqp: {enable: false, vhost: '', channel_max: 0, frame_size: 0, heartbeat: 0, locale: '', queueBindings: null}
  nsq: {enable: false, addrs: null}
  nats:
    enable: true
    addrs: [192.168.1.10:4222, nats://192.168.1.11:4222, nats.example]
    producer: {subjects: [temperature]}
    jetstream:
      enable: true
      name: telemetry
      producer: {subjects: [humidity, pressure]}
  redis:
    enable: true
    addrs: ['192.168.1.10:6379']
    db: 3
    password: hidden
    producer: {channels: [alarms]}
";
    let sinks = sinks(yaml);
    assert_eq!(sinks.iter().map(|sink| sink.name).collect::<Vec<_>>(), ["nats", "jetstream", "redis"]);
    assert!(!format!("{sinks:?}").contains("hidden"));
    let BackendConfig::Nats(nats) = &sinks[1].backend else { panic!("{sinks:?}") };
    let addrs: Vec<String> = nats.addrs.iter().map(ToString::to_string).collect();
    assert_eq!(addrs, ["192.168.1.10:4222", "192.168.1.11:4222", "nats.example:4222"]);
    assert_eq!(nats.jetstream.as_ref().unwrap().create.as_deref(), Some("telemetry"));
    assert_eq!(sinks[1].topics, ["humidity", "pressure"]);
    let BackendConfig::Redis(redis) = &sinks[2].backend else { panic!("{sinks:?}") };
    assert_eq!(redis.db, 3);
    let RedisTarget::Channel { channel, format: Format::Payload, needs_subscriber: false } = &redis.target
    else {
        panic!("{redis:?}")
    };
    assert_eq!(*channel, Template::topic());
}

#[test]
fn amqp_of_the_original_loads_with_its_user_in_the_address() {
    let yaml = "
mqm:
  amqp:
    enable: true
    addrs: ['gw:p%40ss@rabbit-a:5672', 'amqp://gw:p%40ss@rabbit-b/']
    vhost: plant
    channel_max: 100
    frame_size: 65536
    heartbeat: 30
    locale: en_US
    exchanges: [{name: plant, kind: topic, durable: false, auto_delete: true, internal: false, nowait: true}]
    queues: [{name: all, durable: true, auto_delete: false, exclustive: true, nowait: false}]
    queueBindings: [{queue_name: all, exchange_name: plant, binding_key: '#', nowait: false}]
    producer:
      routing_keys: [temp, humidity]
      exchange: plant
      mandatory: false
      immediate: false
      headers: {a: b}
      content_type: text/plain
      delivery_mode: 1
      priority: 9
      type: reading
";
    let sinks = sinks(yaml);
    let [sink] = &sinks[..] else { panic!("{sinks:?}") };
    assert!(!format!("{sinks:?}").contains("p@ss"));
    assert_eq!((sink.name, &sink.topics[..]), ("amqp", &["temp".to_owned(), "humidity".to_owned()][..]));
    let BackendConfig::Amqp(amqp) = &sink.backend else { panic!("{sink:?}") };
    let addrs: Vec<String> = amqp.addrs.iter().map(ToString::to_string).collect();
    assert_eq!(addrs, ["rabbit-a:5672", "rabbit-b:5672"]);
    assert_eq!(amqp.credentials.username.as_deref(), Some("gw"));
    assert_eq!(amqp.credentials.password.as_ref().unwrap().expose(), "p@ss");
    assert_eq!((amqp.frame_size, amqp.heartbeat), (65_536, Duration::from_secs(30)));
    assert_eq!((amqp.mandatory, amqp.is_persistent, amqp.properties.priority), (false, false, 9));
    let topology = &amqp.topology;
    assert!(
        !topology.exchanges[0].durable && topology.exchanges[0].auto_delete && topology.queues[0].exclusive
    );
    let binding = AmqpBinding { queue: "all".into(), exchange: "plant".into(), key: "#".into() };
    assert_eq!(topology.bindings, [binding]);
}

#[test]
fn kafka_of_the_original_loads() {
    let yaml = "
mqm:
  kafka:
    enable: true
    addrs: ['10.0.0.1:9092', '10.0.0.2']
    producer:
      topics: [temp]
      async: false
      max_message_bytes: 2000000
      required_acks: 1
      timeout: 10
      compression: gzip
      compression_level: 6
      idepotent: true
      flush: {bytes: 0, messages: 0, frequency: 0, max_messages: 0}
      retry: {max: 3, backoff: 1}
";
    let sinks = sinks(yaml);
    let [sink] = &sinks[..] else { panic!("{sinks:?}") };
    let BackendConfig::Kafka(kafka) = &sink.backend else { panic!("{sink:?}") };
    let addrs: Vec<String> = kafka.addrs.iter().map(ToString::to_string).collect();
    assert_eq!(
        (sink.name, &addrs[..]),
        ("kafka", &["10.0.0.1:9092".to_owned(), "10.0.0.2:9092".to_owned()][..])
    );
    assert_eq!((kafka.compression, kafka.compression_level), (KafkaCompression::Gzip, Some(6)));
    assert_eq!((kafka.max_message_size, kafka.create_topics), (2_000_000, true));
    assert!(kafka.credentials.username.is_none() && kafka.tls.is_none());
}

#[test]
fn each_sink_has_its_bounds_and_its_templates() {
    let yaml = "
mq:
  max_inflight: 100
  max_inflight_size: 1MiB
  timeout: 2s
  redis:
    enable: true
    username: gateway
    password: {env: REDIS_PASSWORD}
    streams: {max_len: 1000, create: false, producer: {topics: [a], stream: 'edge:{edge_id}:{topic}'}}
";
    let environment = |name: &str| (name == "REDIS_PASSWORD").then(|| "secret".to_owned());
    let config = Config::parse(yaml, &environment).unwrap();
    let [sink] = &config.mq.sinks[..] else { panic!("{:?}", config.mq.sinks) };
    let bounds = sink.bounds;
    assert_eq!((bounds.messages, bounds.bytes, bounds.timeout), (100, 1 << 20, Duration::from_secs(2)));
    let BackendConfig::Redis(redis) = &sink.backend else { panic!("{sink:?}") };
    let RedisTarget::Stream { key, max_len: Some(1000), create: false } = &redis.target else {
        panic!("{redis:?}")
    };
    assert_eq!(key.name("a", "7"), "edge:7:a");
    assert_eq!(redis.credentials.username.as_deref(), Some("gateway"));
}

#[test]
fn each_mistake_names_its_key() {
    let with = |section: &str, rest: &str| format!("mq: {{{section}: {{enable: true, {rest}}}}}");
    for (yaml, expected) in [
        ("{mq: {}, mqm: {}}".to_owned(), "mqm: is there beside `mq`"),
        ("mq: {timeout: 1ms}".to_owned(), "mq.timeout: must lie"),
        ("mq: {max_inflight: 0}".to_owned(), "mq.max_inflight: must lie"),
        (with("amqp", ""), "mq.amqp.producer.routing_keys: has no topic"),
        (
            with("amqp", "producer: {routing_keys: [a], immediate: true}"),
            "mq.amqp.producer.immediate: must be false",
        ),
        (
            with("amqp", "producer: {routing_keys: [a], expiration: 10s}"),
            "mq.amqp.producer.expiration: expected milliseconds",
        ),
        (
            with("amqp", "frame_size: 100, producer: {routing_keys: [a]}"),
            "mq.amqp.frame_size: must be 4096 at least",
        ),
        (
            with("amqp", "queues: [{kind: quorum}], producer: {routing_keys: [a]}"),
            "mq.amqp.queues[0].name: is required",
        ),
        (
            with("amqp", "queues: [{name: a, kind: fast}], producer: {routing_keys: [a]}"),
            "mq.amqp.queues[0].kind: expected classic, quorum or stream",
        ),
        (
            with("amqp", "addrs: ['u:secret@h', 'v:secret@h'], producer: {routing_keys: [a]}"),
            "mq.amqp.addrs: has more than one user",
        ),
        (
            with("amqp", "addrs: ['u:%zz@h'], producer: {routing_keys: [a]}"),
            "mq.amqp.addrs: expected user:password@host:port",
        ),
        (
            with("amqp", "addrs: ['u:p@h'], username: u, password: p, producer: {routing_keys: [a]}"),
            "mq.amqp.username: is there beside a user in `addrs`",
        ),
        ("mq: {nat: {}}".to_owned(), "mq.nat: unknown key"),
        (with("kafka", ""), "mq.kafka.producer.topics: has no topic"),
        (
            with("kafka", "producer: {topics: ['a b']}"),
            "mq.kafka.producer.topics: has \"a b\", which becomes",
        ),
        (with("kafka", "mechanism: md5, producer: {topics: [a]}"), "mq.kafka.mechanism: "),
        (with("kafka", "producer: {topics: [a], compression: zstd}"), "mq.kafka.producer.compression: "),
        (
            with("kafka", "producer: {topics: [a], compression: lz4, compression_level: 3}"),
            "mq.kafka.producer.compression_level: is of no use",
        ),
        (
            with("kafka", "producer: {topics: [a], max_message_bytes: 10}"),
            "mq.kafka.producer.max_message_bytes: must be 1 KiB at least",
        ),
        (
            "mq: {timeout: 500ms, kafka: {enable: true, producer: {topics: [a]}}}".to_owned(),
            "mq.kafka.enable: needs a `timeout`",
        ),
        (with("nats", ""), "mq.nats.producer.subjects: has no topic"),
        (with("nats", "addrs: [], producer: {subjects: [a]}"), "mq.nats.addrs: must have an address"),
        (
            with("nats", "addrs: ['nats://u:secret@h:1'], producer: {subjects: [a]}"),
            "mq.nats.addrs: expected a host and a port",
        ),
        (
            with("nats", "producer: {subjects: ['a..b']}"),
            "mq.nats.producer.subjects: has \"a..b\", which becomes",
        ),
        (
            with("nats", "producer: {subjects: ['*'], subject: 'a..{topic}'}"),
            "mq.nats.producer.subjects: has `*`, where \"topic\" becomes \"a..topic\"",
        ),
        (with("nats", "producer: {subjects: [a, a]}"), "mq.nats.producer.subjects: has \"a\" twice"),
        (
            with("nats", "producer: {subjects: [a], subject: '{x}'}"),
            "mq.nats.producer.subject: knows {topic}",
        ),
        (
            with("nats", "producer: {subjects: [a]}, jetstream: {enable: true, producer: {subjects: [a]}}"),
            "mq.nats.jetstream.producer.subjects: has \"a\", which mq.nats.producer.subjects has",
        ),
        (
            with("nats", "producer: {subjects: [a]}, jetstream: {enable: true, name: a.b}"),
            "mq.nats.jetstream.name: can't be",
        ),
        ("mq: {nats: {jetstream: {enable: true}}}".to_owned(), "mq.nats.jetstream.enable: needs"),
        (with("nats", "username: u, producer: {subjects: [a]}"), "mq.nats.password: is required"),
        (
            with("nats", "password: p, token: t, producer: {subjects: [a]}"),
            "mq.nats.token: is there beside `password`",
        ),
        (
            with("nats", "tls: {cert: c, key: k}, producer: {subjects: [a]}"),
            "mq.nats.tls.enable: must be true",
        ),
        (
            with("nats", "tls: {enable: true, ca_certs: [/no/ca]}, producer: {subjects: [a]}"),
            "mq.nats.tls.ca_certs[0]: ",
        ),
        (
            with("redis", "tls: {enable: true, cert: c}, producer: {channels: [a]}"),
            "mq.redis.tls.key: is required",
        ),
        (with("redis", ""), "mq.redis.producer.channels: has no topic"),
        (with("redis", "producer: {channels: [\"a\\n\"]}"), "mq.redis.producer.channels: has \"a\\n\""),
        (with("redis", "producer: {channels: [a], format: xml}"), "mq.redis.producer.format: "),
        (with("redis", "streams: {max_len: -1, producer: {topics: [a]}}"), "mq.redis.streams.max_len: "),
    ] {
        let found = mistakes(&yaml);
        assert!(found.len() == 1 && found[0].contains(expected), "{yaml}: {found:?}");
    }
}

#[test]
fn each_sink_that_is_named_has_a_spool() {
    let with = |spool: &str| {
        format!(
            "mq: {{spool: {spool}, nats: {{enable: true, producer: {{subjects: [a]}}}}, \
             redis: {{enable: true, producer: {{channels: [b]}}}}}}"
        )
    };
    let spools = |spool: &str| Config::parse(&with(spool), &|_| None).unwrap().mq.spools;
    assert_eq!(spools("{}").len(), 0);
    let all = spools("{path: /spool, max_size: 2MiB, when_full: drop_oldest, after: 50ms}");
    assert_eq!(all.keys().copied().collect::<Vec<_>>(), ["nats", "redis"]);
    let nats = &all["nats"];
    assert_eq!(
        (nats.path.to_str().unwrap(), nats.max_size, nats.max_messages),
        ("/spool/nats", 2 << 20, 1_000_000)
    );
    assert_eq!((nats.when_full, nats.after), (WhenFull::DropOldest, Duration::from_millis(50)));
    assert_eq!(spools("{path: /spool, sinks: [redis]}").into_keys().collect::<Vec<_>>(), ["redis"]);
    for (spool, expected) in [
        ("{sinks: [nats]}", "mq.spool.path: is required"),
        ("{path: /dev/null}", "mq.spool.path: /dev/null is no folder"),
        ("{path: /spool, sinks: [nats, nats]}", "mq.spool.sinks: has \"nats\" twice"),
        ("{path: /spool, sinks: [kafka]}", "mq.spool.sinks: has \"kafka\", which has no topics"),
        ("{path: /spool, max_size: 1KiB}", "mq.spool.max_size: must lie"),
        ("{path: /spool, max_messages: 0}", "mq.spool.max_messages: must lie"),
        ("{path: /spool, when_full: wait}", "mq.spool.when_full: "),
        ("{path: /spool, after: 1ms}", "mq.spool.after: must lie"),
    ] {
        let found = mistakes(&with(spool));
        assert!(found.len() == 1 && found[0].contains(expected), "{spool}: {found:?}");
    }
    let found = mistakes("mq: {spool: {path: /spool}}");
    assert!(found[0].contains("mq.spool.path: is of no use"), "{found:?}");
    // As any other change of a sink.
    let fixed = |spool: &str| Config::parse(&with(spool), &|_| None).unwrap().fixed;
    assert_eq!(fixed("{path: /a}").changed(&fixed("{path: /b}")), ["mq"]);
    assert_eq!(fixed("{path: /a}").changed(&fixed("{}")), ["mq"]);
}

#[test]
fn a_change_takes_a_restart() {
    let fixed = |yaml: &str| Config::parse(yaml, &|_| None).unwrap().fixed;
    let before = fixed("mq: {nats: {enable: true, producer: {subjects: [a]}}}");
    assert_eq!(
        before.changed(&fixed("mqm: {nats: {enable: true, producer: {subjects: [a]}}}")),
        [] as [&str; 0]
    );
    assert_eq!(before.changed(&fixed("mq: {nats: {enable: true, producer: {subjects: [a, b]}}}")), ["mq"]);
    let password = |password| {
        let redis = format!("{{enable: true, password: {password}, producer: {{channels: [a]}}}}");
        fixed(&format!("mq: {{redis: {redis}}}"))
    };
    assert_eq!(password("a").changed(&password("b")), ["mq"]);
    assert_eq!(password("a").changed(&password("a")), [] as [&str; 0]);
}

#[test]
fn a_value_that_can_t_be_read_is_one_mistake() {
    let of = |yaml: &str| {
        let errors = Config::parse(yaml, &|_| None).expect_err(yaml);
        errors.mistakes().iter().map(|it| it.path().to_owned()).collect::<Vec<_>>()
    };
    for (yaml, paths) in [
        (
            "kafka: {enable: true, username: a, password: {file: /no/p}, producer: {topics: x}}",
            &["kafka.password", "kafka.producer.topics"][..],
        ),
        ("redis: {enable: true, streams: {producer: {topics: {a: b}}}}", &["redis.streams.producer.topics"]),
        ("redis: {enable: true, streams: {consumers: x}}", &["redis.streams.consumers"]),
        (
            "nats: {enable: true, jetstream: {enable: true, producer: {subjects: 7}}}",
            &["nats.jetstream.producer.subjects"],
        ),
        ("nats: {enable: true, consumers: {a: b}}", &["nats.consumers"]),
        ("nsq: {enable: true, consumers: x}", &["nsq.consumers"]),
        ("amqp: {enable: true, consumers: x}", &["amqp.consumers"]),
        ("mqtt: {enable: true, consumers: x}", &["mqtt.consumers"]),
        (
            "amqp: {enable: true, addrs: {a: b}, producer: {routing_keys: [[a]]}}",
            &["amqp.addrs", "amqp.producer.routing_keys[0]"],
        ),
        (
            "redis: {enable: true, streams: {consumers: [{name: a, streams: x, to: x, dead_letter: x}]}}",
            &[
                "redis.streams.consumers[0].streams",
                "redis.streams.consumers[0].to",
                "redis.streams.consumers[0].dead_letter",
            ],
        ),
        (
            "spool: {path: [x], sinks: [kafka]}, kafka: {enable: true, producer: {topics: [a]}}",
            &["spool.path"],
        ),
    ] {
        let expected: Vec<String> = paths.iter().map(|path| format!("mq.{path}")).collect();
        assert_eq!(of(&format!("mq: {{{yaml}}}")), expected, "{yaml}");
    }
    assert_eq!(
        of("relay: {enable: true, kafka: {topics: x}, amqp: {exchanges: x}}"),
        ["relay.kafka.topics", "relay.amqp.exchanges"]
    );
    assert_eq!(of("bridge: {enable: true, topics: x}"), ["bridge.topics"]);
    assert_eq!(
        of(
            "frontlas: {enable: true}\nservicebound: {listeners: x}\nedgebound: {listen: {addr: 127.0.0.1:1}}"
        ),
        ["servicebound.listeners"]
    );
}
