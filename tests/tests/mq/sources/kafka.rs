//! Consumer groups of Kafka as sources.

use super::{Inbox, buried, to_edges, with};
use crate::kafka_server::Kafka;
use crate::world::{connected, edge, logged, observed, of_source};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually};
use serde_json::{Value, json};
use std::time::Instant;

const EDGES: [u64; 4] = [1, 2, 3, 4];

/// A gateway whose group reads these topics for the edges that are the keys, with these keys of the configuration besides.
pub(super) fn reading(kafka: &Kafka, topics: &[&str], others: &Value) -> GatewayBuilder {
    let gateway = observed(Gateway::builder())
        .set("mq.kafka.enable", true)
        .set("mq.kafka.addrs", json!([kafka.addr(0)]))
        .set("mq.max_backoff", "200ms");
    let own = json!({"topics": topics, "group": topics[0], "to": {"edge": "{key:u64}", "topic": "{origin}"}});
    let consumer = with(with(to_edges(&gateway, ""), &own), others);
    gateway.set("mq.kafka.consumers", json!([consumer]))
}

pub(super) fn produce(kafka: &Kafka, topic: &str, ids: &[u64], from: usize, to: usize) {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    kafka.client(&["produce", topic, &ids.join(","), &from.to_string(), &to.to_string()]);
}

/// Waits until the group has committed everything.
pub(super) fn all_is_committed(kafka: &Kafka, topic: &str) {
    kafka.client(&["committed", topic, topic]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_goes_to_its_edge_in_order_and_only_what_is_acked_is_committed() {
    let kafka = Kafka::shared();
    kafka.topic("orders", 3, 1, &json!({}));
    produce(&kafka, "orders", &[1, 2, 3], 0, 100);
    let gateway = reading(&kafka, &["orders"], &json!({"attempts": 2, "max_inflight": 10})).start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, 1..=3).await;
    assert_eq!(inbox.is_whole(&[1, 2, 3], 100).await, 0);
    all_is_committed(&kafka, "orders");
    // One that is away holds its partition's commit, and not the others' records.
    produce(&kafka, "orders", &[9], 100, 140);
    produce(&kafka, "orders", &[1, 2, 3], 100, 101);
    inbox.holds(303).await;
    assert!(kafka.client(&["lag", "orders", "orders"])[0]["lag"].as_u64().unwrap() >= 40);
    // More than may be on their way.
    assert_eq!(of_source(&gateway, "waiting").await, 40.0);
    let nine = edge(&gateway, 9).await;
    let refusing = tokio::spawn(inbox.clone().receive(nine, 9, |message, _| {
        assert_eq!((&*message.topic, &message.custom[..]), ("orders", &b"\x00c"[..]));
        message.fail("no");
    }));
    all_is_committed(&kafka, "orders");
    assert_eq!((inbox.of(9).len(), &inbox.of(9)[..3]), (80, &["100", "100", "101"].map(str::to_owned)[..]));
    let buried = buried(&gateway);
    assert_eq!((buried.len(), &buried[0]["reason"]), (40, &json!("application error: no")));
    assert_eq!(of_source(&gateway, "redelivered_total").await, 0.0);
    refusing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_is_read_no_further_than_may_come_twice() {
    let kafka = Kafka::shared();
    kafka.topic("ahead", 1, 1, &json!({}));
    produce(&kafka, "ahead", &[9], 0, 1);
    produce(&kafka, "ahead", &[1], 0, 300);
    let gateway = reading(&kafka, &["ahead"], &json!({"max_inflight": 10, "max_ahead": 50})).start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    inbox.holds(40).await;
    // Nobody has the first one, and so not all of the others come: a poll more is what was on its way.
    let stands = async || Some(of_source(&gateway, "delivered_total").await).filter(|it| *it >= 49.0);
    let delivered = eventually(DEADLINE, "it stands", stands).await;
    assert!(delivered <= 60.0, "{delivered}");
    let _nine = inbox.edges(&gateway, [9]).await;
    assert_eq!(inbox.has_all(301).await, 0);
    all_is_committed(&kafka, "ahead");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_gateways_killed_and_partitions_moved_nothing_is_lost() {
    let kafka = Kafka::shared();
    kafka.topic("load", 4, 1, &json!({}));
    let keys = json!({"max_inflight": 32, "max_waiting": 32, "wait": "0s"});
    let mut one = reading(&kafka, &["load"], &keys).start().await;
    let inbox = Inbox::default();
    let mut edges = inbox.edges(&one, EDGES).await;
    produce(&kafka, "load", &EDGES, 0, 200);
    inbox.holds(200).await;
    one.kill().await;
    drop(edges);
    one.start_again().await;
    edges = inbox.edges(&one, EDGES).await;
    inbox.holds(500).await;
    // Another member comes, gets partitions whose edges are elsewhere, and leaves.
    let mut two = reading(&kafka, &["load"], &keys).start().await;
    eventually(2 * DEADLINE, "it gets partitions", async || two.log().find("partitions are read here")).await;
    produce(&kafka, "load", &EDGES, 200, 250);
    two.terminate();
    assert_eq!(two.process().exit().await, Some(0));
    let doubled = inbox.has_all(1000).await;
    all_is_committed(&kafka, "load");
    assert!(doubled <= 200 + 128, "what was not committed when it was killed, and what was held: {doubled}");
    assert!(buried(&one).is_empty());
    drop(edges);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_broker_killed_and_frozen_nothing_is_lost() {
    let mut kafka = Kafka::start(1);
    kafka.topic("load", 4, 1, &json!({}));
    let gateway = reading(&kafka, &["load"], &json!({"max_inflight": 32, "max_waiting": 32}))
        .set("mq.timeout", "2s")
        .start()
        .await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, EDGES).await;
    produce(&kafka, "load", &EDGES, 0, 200);
    inbox.holds(200).await;
    kafka.kill(0);
    eventually(DEADLINE, "it says so", async || gateway.log().find("do not answer; trying on")).await;
    kafka.restart(0);
    produce(&kafka, "load", &EDGES, 200, 300);
    inbox.has_all(1200).await;
    kafka.signal("-STOP");
    let twice = async || (logged(&gateway, "do not answer; trying on") >= 2).then_some(());
    eventually(DEADLINE, "it says so once more", twice).await;
    kafka.signal("-CONT");
    produce(&kafka, "load", &EDGES, 300, 310);
    let doubled = inbox.is_whole(&EDGES, 310).await;
    all_is_committed(&kafka, "load");
    assert!(doubled <= 4 * 64, "at most what was held: {doubled}");
    assert!(buried(&gateway).is_empty());
}

/// How many partitions of a topic were given their first position.
fn begun(gateway: &Gateway, topic: &str) -> usize {
    let of_topic = format!("topic=\"{topic}\"");
    let lines = gateway.log().lines();
    lines.iter().filter(|line| line.contains("has its first position") && line.contains(&of_topic)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_come_grow_and_go_and_nothing_of_a_new_partition_is_passed_over() {
    let kafka = Kafka::shared();
    kafka.topic("news", 1, 1, &json!({}));
    produce(&kafka, "news", &[1], 0, 5);
    let gateway = reading(&kafka, &["news", "later"], &json!({"start": "end"})).start().await;
    eventually(DEADLINE, "one is missing", async || gateway.log().find("there is no such topic")).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, EDGES).await;
    eventually(DEADLINE, "it begins", async || gateway.log().find("has its first position")).await;
    produce(&kafka, "news", &[1], 5, 10);
    inbox.holds(5).await;
    assert_eq!(inbox.of(1), ["5", "6", "7", "8", "9"]);
    kafka.client(&["grow", "news", "4"]);
    produce(&kafka, "news", &EDGES, 10, 20);
    inbox.has_all(45).await;
    // Of one that comes later what is in it by then is passed over, as with all that were there.
    kafka.topic("later", 1, 1, &json!({}));
    eventually(DEADLINE, "it is read", async || (begun(&gateway, "later") >= 1).then_some(())).await;
    produce(&kafka, "later", &[1], 100, 105);
    inbox.has_all(50).await;
    kafka.client(&["no-topic", "later"]);
    let gone = async || gateway.log().find("the topic later has come, gone or grown");
    eventually(DEADLINE, "it says so", gone).await;
    produce(&kafka, "news", &EDGES, 20, 25);
    inbox.has_all(70).await;
    // One of the same name is another one, whose offsets begin anew.
    kafka.topic("later", 1, 1, &json!({}));
    eventually(DEADLINE, "it is read", async || (begun(&gateway, "later") >= 2).then_some(())).await;
    produce(&kafka, "later", &[1], 105, 110);
    inbox.has_all(75).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_deleted_before_they_are_read_are_counted() {
    let kafka = Kafka::shared();
    kafka.topic("short", 1, 1, &json!({}));
    let mut gateway = reading(&kafka, &["short"], &json!({})).start().await;
    let inbox = Inbox::default();
    let mut edges = inbox.edges(&gateway, [1]).await;
    produce(&kafka, "short", &[1], 0, 5);
    inbox.holds(5).await;
    all_is_committed(&kafka, "short");
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    drop(edges);
    produce(&kafka, "short", &[1], 5, 10);
    kafka.client(&["trim", "short"]);
    produce(&kafka, "short", &[1], 10, 15);
    gateway.start_again().await;
    edges = inbox.edges(&gateway, [1]).await;
    inbox.holds(10).await;
    assert_eq!(inbox.of(1)[5..], ["10", "11", "12", "13", "14"]);
    assert_eq!(of_source(&gateway, "gone_total").await, 5.0);
    drop(edges);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_and_a_topic_that_are_not_there_yet_are_waited_for() {
    let kafka = Kafka::shared();
    let gateway = reading(&kafka, &["nowhere"], &json!({})).start().await;
    eventually(DEADLINE, "it says so", async || gateway.log().find("there is no topic nowhere")).await;
    kafka.topic("nowhere", 2, 1, &json!({}));
    connected(&gateway, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    produce(&kafka, "nowhere", &[1], 0, 5);
    assert_eq!(inbox.is_whole(&[1], 5).await, 0);
}

/// Prints how many records a second go to edges and are acked by them, as the profile and the machine let it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn throughput() {
    let kafka = Kafka::shared();
    kafka.topic("fast", 8, 1, &json!({}));
    let ids: Vec<u64> = (1..=50).collect();
    produce(&kafka, "fast", &ids, 0, 4000);
    let gateway = reading(&kafka, &["fast"], &json!({"max_inflight": 4096})).start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, ids).await;
    inbox.holds(1000).await;
    let (begun, before) = (Instant::now(), inbox.len());
    inbox.holds(200_000).await;
    println!("{:.0} records/s", (inbox.len() - before) as f64 / begun.elapsed().as_secs_f64());
    assert_eq!(inbox.has_all(200_000).await, 0);
}
