//! Queues of RabbitMQ as sources.

use super::{Inbox, buried, few_places, to_edges, with};
use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::world::{connected, edge, logged, observed, of_source};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const EDGES: [u64; 4] = [1, 2, 3, 4];

/// A gateway that reads the queue `orders` for the edges that a header names, with these keys besides.
pub(super) fn orders(host: &VirtualHost, others: &Value) -> GatewayBuilder {
    let gateway = observed(Gateway::builder())
        .set("mq.amqp.enable", true)
        .set("mq.amqp.addrs", json!([host.server.addr().to_string()]))
        .set("mq.amqp.vhost", host.name)
        .set("mq.amqp.username", host.name)
        .set("mq.amqp.password", host.name)
        .set("mq.amqp.heartbeat", "1s")
        .set("mq.amqp.queues", json!([{"name": "orders"}]))
        .set("mq.max_backoff", "100ms");
    let consumer = with(with(to_edges(&gateway, "Frontier-Edge-Id"), &json!({"queue": "orders"})), others);
    gateway.set("mq.amqp.consumers", json!([consumer]))
}

pub(super) fn fill(host: &VirtualHost, ids: &[u64], from: usize, to: usize) {
    fill_with(host, ids, from, to, 0);
}

fn fill_with(host: &VirtualHost, ids: &[u64], from: usize, to: usize, size: usize) {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    host.client(&["fill", "orders", &ids.join(","), &from.to_string(), &to.to_string(), &size.to_string()]);
}

/// Messages that no consumer has.
pub(super) fn ready(host: &VirtualHost, queue: &str) -> u64 {
    host.client(&["ready", queue])[0]["ready"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_goes_to_its_edge_in_order_and_what_is_refused_is_the_queue_s_to_keep() {
    let host = VirtualHost::shared("consumed");
    host.client(&["queue", "dead", "{}"]);
    let arguments = json!({"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"});
    host.client(&["queue", "orders", &arguments.to_string()]);
    fill(&host, &[1, 2, 3], 0, 50);
    let keys = json!({"attempts": 2, "max_inflight": 64, "dead_letter": {"reject": true}});
    let gateway = orders(&host, &keys).start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, 1..=3).await;
    assert_eq!(inbox.is_whole(&[1, 2, 3], 50).await, 0);
    let nine = edge(&gateway, 9).await;
    let refusing = tokio::spawn(inbox.clone().receive(nine, 9, |message, _| {
        assert_eq!((&*message.topic, &message.custom[..]), ("orders", &b"\x00c"[..]));
        message.fail("no");
    }));
    fill(&host, &[9], 0, 1);
    let kept = async || (ready(&host, "dead") == 1).then_some(());
    eventually(DEADLINE, "it is among the dead letters of the queue", kept).await;
    assert_eq!(inbox.of(9), ["0", "0"]);
    assert_eq!(ready(&host, "orders"), 0);
    let death = &host.drain("dead")[0];
    assert_eq!(
        (&death["payload"], &death["headers"]["x-first-death-reason"]),
        (&json!("MA=="), &json!("rejected"))
    );
    assert_eq!(of_source(&gateway, "dead_lettered_total").await, 1.0);
    refusing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_holds_no_more_than_it_may_and_gives_it_back_when_it_stops() {
    let host = VirtualHost::shared("bounded");
    let first = orders(&host, &json!({"max_inflight": 10, "max_waiting": 0, "exclusive": true}));
    let mut first = first.start().await;
    connected(&first, 1).await;
    fill(&host, &[1], 0, 30);
    let held = async || (ready(&host, "orders") == 20).then_some(());
    eventually(DEADLINE, "ten wait for their edge", held).await;
    assert_eq!(of_source(&first, "held").await, 10.0);
    let second = orders(&host, &json!({"exclusive": true})).start().await;
    eventually(DEADLINE, "another one is not let in", async || second.log().find("in exclusive use")).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&second, [1]).await;
    first.terminate();
    assert_eq!(first.process().exit().await, Some(0));
    assert_eq!(inbox.is_whole(&[1], 30).await, 0);
    assert_eq!(of_source(&second, "redelivered_total").await, 10.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_away_holds_up_nobody_else() {
    let host = VirtualHost::shared("beside");
    let gateway = orders(&host, &few_places()).start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    fill(&host, &[9], 0, 40);
    fill(&host, &[1], 0, 300);
    assert_eq!(inbox.is_whole(&[1], 300).await, 0);
    assert_eq!(of_source(&gateway, "waiting").await, 40.0);
    let _nine = inbox.edges(&gateway, [9]).await;
    assert_eq!(inbox.is_whole(&[9], 40).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_wait_are_bounded_and_the_connection_outlives_that() {
    let host = VirtualHost::shared("heavy");
    let gateway =
        orders(&host, &json!({"max_inflight_size": "64KiB", "max_waiting_size": "0"})).start().await;
    connected(&gateway, 1).await;
    fill_with(&host, &[1], 0, 60, 100_000);
    let held = async || Some(of_source(&gateway, "held").await).filter(|held| *held >= 1.0);
    eventually(DEADLINE, "some wait for their edge", held).await;
    // Longer than the broker may be silent, and we may.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let held = of_source(&gateway, "held").await;
    assert!((1.0..=5.0).contains(&held), "{held}");
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    inbox.holds(60).await;
    let numbers: Vec<String> = inbox.of(1).iter().map(|text| text.trim_end().to_owned()).collect();
    assert_eq!(numbers, (0..60).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_do_not_hold_any_more_are_told_and_tried_on() {
    let host = VirtualHost::shared("changing");
    let gateway = orders(&host, &json!({})).start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    fill(&host, &[1], 0, 10);
    inbox.holds(10).await;
    host.set_password("another");
    host.disconnect();
    eventually(DEADLINE, "it says so", async || gateway.log().find("ACCESS_REFUSED")).await;
    host.set_password(host.name);
    fill(&host, &[1], 10, 20);
    assert_eq!(inbox.is_whole(&[1], 20).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_gateway_and_broker_killed_and_frozen_nothing_is_lost_and_a_queue_that_goes_is_told() {
    let mut host = VirtualHost::of(Arc::new(RabbitMq::start()), "killed");
    let mut gateway = orders(&host, &json!({"max_inflight": 32, "max_waiting": 32})).start().await;
    connected(&gateway, 1).await;
    let inbox = Inbox::default();
    let mut edges = inbox.edges(&gateway, EDGES).await;
    fill(&host, &EDGES, 0, 200);
    inbox.holds(200).await;
    gateway.kill().await;
    drop(edges);
    gateway.start_again().await;
    edges = inbox.edges(&gateway, EDGES).await;
    inbox.holds(500).await;
    Arc::get_mut(&mut host.server).unwrap().restart();
    fill(&host, &EDGES, 200, 300);
    let doubled = inbox.has_all(1200).await;
    assert!(doubled <= 2 * 64, "at most what was held: {doubled}");
    assert!(buried(&gateway).is_empty());
    // What comes again does so in its order.
    for id in EDGES {
        let got = inbox.of(id);
        let last = got.iter().rposition(|text| text == "199").unwrap();
        assert!(got[last..].iter().map(|text| text.parse::<u32>().unwrap()).is_sorted(), "{got:?}");
    }
    host.server.signal("-STOP");
    eventually(DEADLINE, "it is left", async || gateway.log().find("no sign of life")).await;
    host.server.signal("-CONT");
    fill(&host, &EDGES, 300, 310);
    inbox.has_all(1240).await;
    let before = logged(&gateway, "the broker is connected");
    host.client(&["no-queue", "orders"]);
    eventually(DEADLINE, "it says so", async || gateway.log().find("has cancelled the consumer")).await;
    // It is declared again, since the configuration has it.
    connected(&gateway, before + 1).await;
    fill(&host, &EDGES, 310, 320);
    inbox.has_all(1280).await;
    drop(edges);
}
