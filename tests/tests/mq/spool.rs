//! The spool of a sink: what edges were acked is there in the end, whoever is killed meanwhile.

use crate::kafka_server::Kafka;
use crate::mosquitto::{Mosquitto, Subscriber};
use crate::python::bytes;
use crate::rabbitmq::{MAX_MESSAGE, VirtualHost};
use crate::resp::Resp;
use crate::world::{connected, edge, jetstream, logged, mqtt, refused, streams};
use frontier_sdk::{Code, Edge};
use frontier_test_nats::{Client, Server as NatsServer};
use frontier_test_redis::Server as RedisServer;
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, within};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// With a spool for all sinks, and everything quick.
fn spooled(gateway: GatewayBuilder) -> GatewayBuilder {
    let folder = gateway.file("spool");
    gateway
        .set("mq.spool.path", folder.to_str().unwrap())
        .set("mq.spool.after", "200ms")
        .set("mq.max_backoff", "100ms")
}

async fn is_empty(gateway: &Gateway) {
    let empty = async || gateway.log().find("the spool is empty");
    eventually(2 * DEADLINE, "the spool is empty", empty).await;
}

/// Edges that publish one message after the other, each until it is acked.
struct Writers {
    tasks: JoinSet<u64>,
    acked: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Writers {
    async fn start(gateway: &Gateway, topic: &'static str, edges: u64) -> Self {
        let (acked, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut tasks = JoinSet::new();
        for id in 1..=edges {
            let edge = edge(gateway, id).await;
            tasks.spawn(write(edge, id, topic, acked.clone(), stop.clone()));
        }
        Self { tasks, acked, stop }
    }

    /// Waits until so many more are acked.
    async fn acked(&self, count: u64) {
        let from = self.acked.load(Ordering::SeqCst);
        let enough = async || (self.acked.load(Ordering::SeqCst) >= from + count).then_some(());
        eventually(2 * DEADLINE, "messages are acked", enough).await;
    }

    /// How many there are of each edge, when all are acked.
    async fn stop(self) -> Vec<u64> {
        self.stop.store(true, Ordering::SeqCst);
        within("the last ones are acked", self.tasks.join_all()).await
    }
}

async fn write(edge: Edge, id: u64, topic: &str, acked: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> u64 {
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        while edge.publish(topic, format!("{id} {number}")).await.is_err() {
            // The gateway is away, and its edges come back by themselves.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        acked.fetch_add(1, Ordering::SeqCst);
        number += 1;
    }
    number
}

/// All are there, and of each edge in their order but for what came twice. How many did.
fn check(published: &[u64], arrived: &[Vec<u8>]) -> usize {
    let mut seen = BTreeMap::<u64, u64>::new();
    let mut twice = 0;
    for payload in arrived {
        let text = std::str::from_utf8(payload).unwrap();
        let (edge, number) = text.split_once(' ').unwrap();
        let (edge, number): (u64, u64) = (edge.parse().unwrap(), number.parse().unwrap());
        let next = seen.entry(edge).or_default();
        assert!(number <= *next, "edge {edge}: {number} comes before {next}");
        if number == *next { *next += 1 } else { twice += 1 }
    }
    let mut counts: Vec<u64> = seen.into_values().collect();
    let mut published = published.to_vec();
    counts.sort_unstable();
    published.sort_unstable();
    assert_eq!(counts, published);
    twice
}

#[tokio::test(flavor = "multi_thread")]
async fn broker_and_gateway_killed_in_turn_lose_nothing_that_was_acked() {
    let mut server = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"], &[]);
    let mut gateway = spooled(streams(&[server.addr()], &["load"])).start().await;
    connected(&gateway, 1).await;
    let writers = Writers::start(&gateway, "load", 4).await;
    writers.acked(100).await;
    server.kill();
    writers.acked(200).await;
    assert!(logged(&gateway, "messages go to the spool") > 0);
    gateway.restart().await;
    let found = async || gateway.log().find("the spool holds messages");
    eventually(DEADLINE, "it has found them", found).await;
    writers.acked(100).await;
    // Under way to the broker, and from the disk to memory.
    server.restart();
    connected(&gateway, 1).await;
    gateway.restart().await;
    connected(&gateway, 1).await;
    writers.acked(100).await;
    server.restart();
    writers.acked(100).await;
    let published = writers.stop().await;
    let total: u64 = published.iter().sum();
    let mut reader = Resp::connect(server.addr());
    let all = async || {
        Some(reader.payloads("load")).filter(|there| {
            let there: std::collections::BTreeSet<_> = there.iter().collect();
            there.len() as u64 == total
        })
    };
    let arrived = eventually(2 * DEADLINE, "all are there", all).await;
    // What was in flight at three kills: of an edge one at a time, of the spool a window.
    let twice = check(&published, &arrived);
    assert!(twice < 1500, "{twice} of {total} came twice");
}

/// With the broker away messages are acked, the gateway is killed, and what it had is found.
async fn killed_without_its_broker(gateway: &mut Gateway, writers: &Writers) {
    writers.acked(200).await;
    gateway.restart().await;
    let found = async || gateway.log().find("the spool holds messages");
    eventually(DEADLINE, "it has found them", found).await;
    writers.acked(100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kafka_has_missed_comes_in_order_once_it_is_back() {
    let mut kafka = Kafka::start(1);
    kafka.topic("load", 2, 1, &json!({}));
    let builder = Gateway::builder()
        .set("mq.kafka.enable", true)
        .set("mq.kafka.addrs", json!([kafka.addr(0)]))
        .set("mq.kafka.producer.topics", json!(["load"]));
    let mut gateway = spooled(builder).start().await;
    connected(&gateway, 1).await;
    let writers = Writers::start(&gateway, "load", 4).await;
    writers.acked(100).await;
    kafka.kill(0);
    killed_without_its_broker(&mut gateway, &writers).await;
    kafka.restart(0);
    connected(&gateway, 1).await;
    writers.acked(100).await;
    let published = writers.stop().await;
    is_empty(&gateway).await;
    let total: u64 = published.iter().sum();
    let all = async || {
        let there: Vec<Vec<u8>> = kafka.drain("load").iter().map(|it| bytes(&it["payload"])).collect();
        let distinct: std::collections::BTreeSet<_> = there.iter().collect();
        (distinct.len() as u64 == total).then_some(there)
    };
    let arrived = eventually(2 * DEADLINE, "all are there", all).await;
    let twice = check(&published, &arrived);
    assert!(twice < 500, "{twice} of {total} came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_of_mqtt_has_missed_comes_in_order_once_it_is_back() {
    let mut server = Mosquitto::start();
    // Nobody subscribes at once to a server that has just started.
    let builder = spooled(mqtt(&[server.addr()], &["load"])).set("mq.spool.attempts", 1_000_000);
    let mut gateway = builder.start().await;
    connected(&gateway, 1).await;
    let subscriber = Subscriber::start(&server, "load", &[]).await;
    let writers = Writers::start(&gateway, "load", 4).await;
    writers.acked(100).await;
    server.kill();
    killed_without_its_broker(&mut gateway, &writers).await;
    // What is refused since nobody has subscribed would come behind what is on its way with it.
    gateway.freeze();
    server.restart();
    let subscribed = async || (server.log().matches("Sending SUBACK to reader-").count() >= 2).then_some(());
    eventually(DEADLINE, "it has subscribed again", subscribed).await;
    gateway.thaw();
    connected(&gateway, 1).await;
    writers.acked(100).await;
    let published = writers.stop().await;
    is_empty(&gateway).await;
    let total: u64 = published.iter().sum();
    let all = async || {
        let there = subscriber.payloads();
        let distinct: std::collections::BTreeSet<_> = there.iter().cloned().collect();
        (distinct.len() as u64 == total).then_some(there)
    };
    let arrived = eventually(2 * DEADLINE, "all are there", all).await;
    let twice = check(&published, &arrived);
    assert!(twice < 500, "{twice} of {total} came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_ends_without_its_broker_keeps_what_it_has_and_no_other_may_have_it() {
    let server = NatsServer::stopped("");
    let builder = spooled(jetstream(server.addr(), "kept", &["kept"]));
    let mut gateway = builder.clone().start().await;
    let edge = edge(&gateway, 1).await;
    for number in 0..20 {
        edge.publish("kept", number.to_string()).await.unwrap();
    }
    edge.publish("kept", vec![b'x'; 300_000]).await.unwrap();
    let (code, lines) = builder.fail().await;
    let line = lines.iter().find(|line| line.contains("another process has this spool"));
    assert!(
        code != Some(0)
            && line.is_some_and(|line| line.contains("mq.spool.path: can't use the spool of mq:jetstream")),
        "{lines:?}"
    );
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    gateway.start_again().await;
    let mut server = server;
    server.restart();
    is_empty(&gateway).await;
    let stored = Client::connect(server.addr()).stored("kept");
    let payloads: Vec<Vec<u8>> = stored.into_iter().map(|it| it.payload).collect();
    assert_eq!(
        payloads[..20],
        (0..20).map(|number: u32| number.to_string().into_bytes()).collect::<Vec<_>>()
    );
    assert!(payloads[20].len() == 300_000 && payloads.len() == 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_broker_delays_no_ack_and_recognizes_what_it_had() {
    let server = NatsServer::start();
    let gateway = spooled(jetstream(server.addr(), "cold", &["cold"])).set("mq.timeout", "1s").start().await;
    connected(&gateway, 1).await;
    let edge = edge(&gateway, 1).await;
    edge.publish("cold", "0").await.unwrap();
    server.signal("-STOP");
    for number in 1..10 {
        within("it is acked all the same", edge.publish("cold", number.to_string())).await.unwrap();
    }
    let left = async || gateway.log().find("the broker has not answered for 1s");
    eventually(DEADLINE, "the broker is left", left).await;
    server.signal("-CONT");
    let mut client = Client::connect(server.addr());
    let all = async || {
        let info = client.jetstream("STREAM.INFO.cold", &Value::Null);
        (info["state"]["messages"].as_u64()? >= 10).then_some(())
    };
    eventually(2 * DEADLINE, "all are there", all).await;
    let stored = Client::connect(server.addr()).stored("cold");
    let payloads: Vec<String> =
        stored.iter().map(|it| String::from_utf8(it.payload.clone()).unwrap()).collect();
    assert_eq!(payloads, (0..10).map(|number: u32| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_refuses_when_its_sender_has_gone_is_a_dead_letter() {
    let host = VirtualHost::shared("spool");
    let gateway = Gateway::builder()
        .set("mq.amqp.enable", true)
        .set("mq.amqp.addrs", json!([host.server.addr().to_string()]))
        .set("mq.amqp.vhost", host.name)
        .set("mq.amqp.username", host.name)
        .set("mq.amqp.password", host.name)
        .set("mq.amqp.queues", json!([{ "name": "temp" }]))
        .set("mq.amqp.producer.routing_keys", json!(["temp", "nowhere"]));
    let gateway = spooled(gateway).set("mq.spool.attempts", 2).start().await;
    connected(&gateway, 1).await;
    let edge = edge(&gateway, 7).await;
    edge.publish("temp", "0").await.unwrap();
    // While its sender is there it is told.
    assert_eq!(refused(&edge, "nowhere", "1").await.code(), Code::TopicNotOnline);
    let before = logged(&gateway, "the broker is lost");
    host.set_password("other");
    host.disconnect();
    let lost = async || (logged(&gateway, "the broker is lost") > before).then_some(());
    eventually(DEADLINE, "the broker is lost", lost).await;
    edge.publish("temp", "2").await.unwrap();
    edge.publish("temp", vec![0; MAX_MESSAGE + 1]).custom(vec![9]).await.unwrap();
    edge.publish("nowhere", "3").await.unwrap();
    edge.publish("temp", "4").await.unwrap();
    host.set_password(host.name);
    let file = gateway.dir().join("spool/amqp/dead_letters.jsonl");
    let buried = async || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        (text.lines().count() == 2).then_some(text)
    };
    let text = eventually(2 * DEADLINE, "two are buried", buried).await;
    let mut dead: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    dead.sort_by_key(|letter| letter["origin"].to_string());
    let [nowhere, large] = &dead[..] else { panic!("{} dead letters", dead.len()) };
    assert_eq!((&nowhere["payload"], &nowhere["attempts"]), (&json!("Mw=="), &json!(2)));
    assert_eq!((&large["custom"], &large["source"]), (&json!("CQ=="), &json!("amqp")));
    assert_eq!(large["headers"]["Frontier-Edge-Id"], "7");
    assert!(large["reason"].as_str().unwrap().contains("amqp: "), "{}", large["reason"]);
    let text = |it: &Value| String::from_utf8(bytes(&it["payload"])).unwrap();
    let mut payloads = Vec::<String>::new();
    let last = async || {
        payloads.extend(host.drain("temp").iter().map(text));
        payloads.iter().any(|payload| payload == "4").then(|| payloads.clone())
    };
    let payloads = eventually(2 * DEADLINE, "the last one is there", last).await;
    // What was in flight when the large one had its channel closed may be there once more.
    let told = "dead_lettered=2";
    eventually(DEADLINE, "it says that not all is at the broker", async || gateway.log().find(told)).await;
    let first = |payload: &str| payloads.iter().position(|other| other == payload).unwrap();
    assert!(first("0") < first("2") && first("2") < first("4"), "{payloads:?}");
    assert_eq!(refused(&edge, "temp", vec![0; MAX_MESSAGE + 1]).await.code(), Code::TooLarge);
}
