//! `frontier --check --online`: what is wrong with real brokers, all of it at once, and that nothing was made.

use crate::kafka_server::{Kafka, PASSWORD, USER};
use crate::nsqd::Nsqd;
use crate::rabbitmq::VirtualHost;
use crate::resp::Resp;
use frontier_test_nats::{Client, Server as NatsServer};
use frontier_test_redis::Server as RedisServer;
use frontier_tests::{DEADLINE, Process, Settings, eventually, within};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The exit code, and what was said.
async fn check(settings: &Settings) -> (Option<i32>, Vec<String>) {
    let config = settings.file();
    let path = config.path().to_str().unwrap();
    let mut process = Process::start(&["--check", "--online", "--config", path], None);
    let code = within("it ends", process.exit()).await;
    let said = async || Some(process.log().lines()).filter(|lines| !lines.is_empty());
    (code, eventually(DEADLINE, "it says something", said).await)
}

fn redis(settings: &mut Settings, addrs: &[SocketAddr]) {
    let addrs: Vec<String> = addrs.iter().map(ToString::to_string).collect();
    settings.set("mq.redis.enable", true);
    settings.set("mq.redis.addrs", json!(addrs));
    settings.set("mq.redis.streams.producer.topics", json!(["events", "free"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_is_named_with_its_key_and_nothing_is_made() {
    let (nats, server) = (NatsServer::start(), RedisServer::start());
    let mut resp = Resp::connect(server.addr());
    resp.ask(&["SET", "events", "1"]);
    let mut settings = Settings::default();
    redis(&mut settings, &[server.addr(), "127.0.0.1:1".parse().unwrap()]);
    settings.set("mq.nats.enable", true);
    settings.set("mq.nats.addrs", json!([nats.addr().to_string()]));
    settings.set("mq.nats.jetstream.enable", true);
    settings.set("mq.nats.jetstream.producer.subjects", json!(["untaken"]));
    let consumer =
        json!({"name": "c", "stream": "gone", "to": {"topic": "t"}, "dead_letter": {"drop": true}});
    settings.set("mq.nats.jetstream.consumers", json!([consumer]));
    let (code, lines) = check(&settings).await;
    let expected = [
        "mq.nats.jetstream.consumers[0].stream: \"gone\": stream not found",
        "mq.nats.jetstream.producer.subjects: no stream takes \"untaken\"",
        "mq.redis.addrs[1]: Connection refused (os error 111) (127.0.0.1:1)",
        "mq.redis.streams.producer.topics: \"events\" is a string, and no stream",
    ];
    assert_eq!(code, Some(1), "{lines:?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{lines:?}");
    }
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    // Whichever library connects, it is said once, with the address.
    settings.set("mq.nats.addrs", json!(["127.0.0.1:1"]));
    settings.set("mq.kafka.enable", true);
    settings.set("mq.kafka.addrs", json!(["127.0.0.1:1"]));
    settings.set("mq.kafka.producer.topics", json!(["a"]));
    let (_, lines) = check(&settings).await;
    for key in ["mq.kafka.addrs[0]: ", "mq.nats.addrs[0]: ", "mq.redis.addrs[1]: "] {
        let line = lines.iter().find(|line| line.contains(key)).unwrap_or_else(|| panic!("{key}: {lines:?}"));
        assert_eq!(line.matches("127.0.0.1:1").count(), 1, "{line}");
        let parts: Vec<&str> = line.split(": ").collect();
        assert!(parts.iter().all(|part| parts.iter().filter(|other| *other == part).count() == 1), "{line}");
    }
    settings.set("mq.kafka.enable", false);
    settings.set("mq.nats.addrs", json!([nats.addr().to_string()]));
    // As it should be.
    resp.ask(&["DEL", "events"]);
    redis(&mut settings, &[server.addr()]);
    let mut client = Client::connect(nats.addr());
    client.create_stream("gone", &["untaken"], &Value::Null);
    let (code, lines) = check(&settings).await;
    assert!(code == Some(0) && lines.iter().any(|line| line.contains("the brokers are there")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("warning")), "{lines:?}");
    // One that is there lets less be read than the configuration does, which is no fault.
    let config = json!({"durable_name": "frontier", "ack_policy": "explicit", "max_ack_pending": 7});
    let made = json!({"stream_name": "gone", "config": config});
    client.jetstream("CONSUMER.DURABLE.CREATE.gone.frontier", &made);
    let (code, lines) = check(&settings).await;
    let expected = "warning: mq.nats.jetstream.consumers[0].durable: the consumer frontier is there with max_ack_pending 7";
    assert!(code == Some(0) && lines[0].contains(expected), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("the brokers are there")), "{lines:?}");
    // One that can't be read from is.
    client.jetstream("CONSUMER.DELETE.gone.frontier", &Value::Null);
    let pushes = json!({"durable_name": "frontier", "ack_policy": "explicit", "deliver_subject": "x"});
    let made = json!({"stream_name": "gone", "config": pushes});
    client.jetstream("CONSUMER.DURABLE.CREATE.gone.frontier", &made);
    let (code, lines) = check(&settings).await;
    let expected = "mq.nats.jetstream.consumers[0].durable: the consumer frontier is one that pushes";
    assert!(code == Some(1) && lines.len() == 1 && lines[0].contains(expected), "{lines:?}");
    // Without any nothing is said to be there.
    let (code, lines) = check(&Settings::default()).await;
    let none = lines.iter().any(|line| line.contains("valid; it has no brokers to look at"));
    assert!(code == Some(0) && none, "{lines:?}");
    assert_eq!(server.cli(&["DBSIZE"]).trim(), "0");
    assert_eq!(Client::connect(nats.addr()).stored("gone").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_exchanges_queues_and_topics_are_looked_at() {
    let (host, kafka) = (VirtualHost::shared("online"), Kafka::shared());
    kafka.topic("online.there", 1, 1, &json!({}));
    let mut settings = Settings::default();
    settings.set("mq.amqp.enable", true);
    settings.set("mq.amqp.addrs", json!([host.server.addr().to_string()]));
    for key in ["vhost", "username", "password"] {
        settings.set(&format!("mq.amqp.{key}"), host.name);
    }
    settings.set("mq.amqp.producer.routing_keys", json!(["declared", "missing"]));
    settings.set("mq.amqp.queues", json!([{ "name": "declared" }]));
    settings.set("mq.kafka.enable", true);
    settings.set("mq.kafka.addrs", json!([kafka.sasl_addr()]));
    settings.set("mq.kafka.username", USER);
    settings.set("mq.kafka.password", PASSWORD);
    settings.set("mq.kafka.producer.create_topics", false);
    settings.set("mq.kafka.producer.topics", json!(["there", "absent"]));
    settings.set("mq.kafka.producer.topic", "online.{topic}");
    let consumer = |keys: Value| {
        let own = json!({"to": {"topic": "t"}, "dead_letter": {"drop": true}});
        crate::sources::with(own, &keys)
    };
    let consumers =
        [json!({"name": "a", "topics": ["online.there"]}), json!({"name": "b", "topics": ["online.gone"]})];
    settings.set("mq.kafka.consumers", json!(consumers.map(consumer)));
    settings.set("mq.amqp.consumers", json!([consumer(json!({"name": "q", "queue": "unread"}))]));
    settings.set("relay.enable", true);
    let exchanges = json!([
        { "name": "amq.topic", "routing_keys": ["*"] },
        { "name": "nowhere", "routing_keys": ["*"] },
        { "name": "", "routing_keys": ["jobs", "any.*"] },
    ]);
    settings.set("relay.amqp.exchanges", exchanges);
    settings.set("relay.kafka.topics", json!(["online.there", "online.jobs", "any.*"]));
    let (code, lines) = check(&settings).await;
    assert_eq!(code, Some(1), "{lines:?}");
    let expected = [
        "mq.amqp.consumers[0].queue: NOT_FOUND - no queue 'unread'",
        "mq.amqp.producer.routing_keys: NOT_FOUND - no queue 'missing'",
        "mq.kafka.consumers[1].topics: \"online.gone\": ",
        "mq.kafka.producer.topics: \"online.absent\": ",
        "relay.amqp.exchanges[1].name: NOT_FOUND - no exchange 'nowhere'",
        "relay.amqp.exchanges[2].routing_keys: NOT_FOUND - no queue 'jobs'",
        "relay.kafka.topics: \"online.jobs\": ",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{lines:?}");
    }
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    settings.set("mq.amqp.producer.exchange", "gone");
    let (_, lines) = check(&settings).await;
    assert!(lines.iter().any(|line| line.contains("mq.amqp.producer.exchange: NOT_FOUND")), "{lines:?}");
    settings.set("mq.amqp.producer.exchange", "");
    settings.set("mq.amqp.password", "wrong");
    settings.set("mq.kafka.password", "wrong");
    let (code, lines) = check(&settings).await;
    assert_eq!((code, lines.len()), (Some(1), 2), "{lines:?}");
    assert!(lines[0].contains("mq.amqp.addrs[0]: ACCESS_REFUSED"), "{lines:?}");
    assert!(lines[1].contains("mq.kafka.addrs[0]: "), "{lines:?}");
    let queues = host.server.eval("[rabbit_amqqueue:list(<<\"online\">>)].");
    assert!(queues.contains("[[]]"), "nothing was declared: {queues}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_nsq_are_asked_and_those_that_name_them() {
    let server = Nsqd::start();
    let mut settings = Settings::default();
    let consumer = json!({
        "name": "c", "topic": "orders", "channel": "gateway", "to": {"topic": "t"}, "dead_letter": {"drop": true},
    });
    settings.set("mq.nsq.enable", true);
    settings.set("mq.nsq.addrs", json!([server.addr().to_string()]));
    settings.set("mq.nsq.producer.topics", json!(["events"]));
    settings.set("mq.nsq.consumers", json!([consumer]));
    let (code, lines) = check(&settings).await;
    assert_eq!(code, Some(0), "{lines:?}");
    settings.set("mq.nsq.addrs", json!([server.addr().to_string(), "127.0.0.1:1"]));
    settings.set("mq.nsq.lookup_addrs", json!(["127.0.0.1:2"]));
    let (code, lines) = check(&settings).await;
    assert_eq!((code, lines.len()), (Some(1), 2), "{lines:?}");
    assert!(lines[0].contains("mq.nsq.addrs[1]: "), "{lines:?}");
    assert!(lines[1].contains("mq.nsq.lookup_addrs[0]: nsqlookupd at 127.0.0.1:2: "), "{lines:?}");
    let stats = server.http("GET", "/stats?format=json", "");
    assert!(stats.contains(r#""topics":[]"#), "nothing was made: {stats}");
}
