//! JetStream and core NATS as sources.

use super::inbox::subscribed;
use super::{Inbox, buried, dead_letters, to_edges, with};
use crate::world::{connected, edge, nats};
use frontier_test_nats::{Client, Server};
use frontier_tests::{DEADLINE, GatewayBuilder, eventually, within};
use serde_json::{Value, json};

const EDGES: [u64; 4] = [1, 2, 3, 4];

/// A gateway that reads the stream `orders` for the edges that are in the subjects, with these keys besides.
pub(super) fn orders(server: &Server, others: &Value) -> GatewayBuilder {
    let gateway = nats(server.addr(), &[]).set("mq.max_backoff", "100ms");
    let own = json!({
        "stream": "orders", "durable": "plant", "ack_wait": "2s",
        "to": {"edge": "{origin:2}", "topic": "orders"},
    });
    let consumer = with(with(to_edges(&gateway, ""), &own), others);
    gateway.set("mq.nats.jetstream.enable", true).set("mq.nats.jetstream.consumers", json!([consumer]))
}

pub(super) fn stream(server: &Server) {
    Client::connect(server.addr()).create_stream("orders", &["orders.*"], &json!({}));
}

/// Stores numbered messages for each of these edges, in turn; each is acked by the stream.
fn add(server: &Server, ids: &[u64], numbers: std::ops::Range<usize>) {
    let mut client = Client::connect(server.addr());
    for number in numbers {
        for id in ids {
            client.request(&format!("orders.{id}"), &number.to_string());
        }
    }
}

/// What the server says of the consumer: messages that are not acked, and that were not given out.
pub(super) fn unacked(server: &Server) -> (u64, u64) {
    let info = Client::connect(server.addr()).jetstream("CONSUMER.INFO.orders.plant", &Value::Null);
    let number = |key: &str| info[key].as_u64().unwrap_or(u64::MAX);
    (number("num_ack_pending"), number("num_pending"))
}

async fn all_are_acked(server: &Server) {
    let acked = async || (unacked(server) == (0, 0)).then_some(());
    eventually(DEADLINE, "all are acked", acked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_goes_to_its_edge_in_order_and_what_fails_is_put_away() {
    let server = Server::start();
    stream(&server);
    add(&server, &[1, 2, 3], 0..100);
    let gateway = orders(&server, &json!({"attempts": 2, "max_inflight": 64})).start().await;
    let inbox = Inbox::default();
    let edges = inbox.edges(&gateway, 1..=3).await;
    assert_eq!(inbox.is_whole(&[1, 2, 3], 100).await, 0);
    all_are_acked(&server).await;
    let four = edge(&gateway, 4).await;
    let refusing = tokio::spawn(inbox.clone().receive(four, 4, |message, text| match text {
        "poison" => message.fail("no"),
        _ => message.done(),
    }));
    let mut client = Client::connect(server.addr());
    let large = "x".repeat(300_000);
    for (subject, payload) in
        [("orders.4", "a"), ("orders.4", "poison"), ("orders.4", &large), ("orders.x", "b")]
    {
        client.request(subject, payload);
    }
    inbox.holds(304).await;
    assert_eq!(inbox.of(4), ["a", "poison", "poison", &large]);
    all_are_acked(&server).await;
    let buried = buried(&gateway);
    let mut reasons: Vec<&str> = buried.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["\"x\" is no EdgeID", "application error: no"]);
    refusing.abort();
    drop(edges);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_gateway_and_server_killed_nothing_is_lost() {
    let mut server = Server::start();
    stream(&server);
    let mut gateway = orders(&server, &json!({"max_inflight": 32, "max_waiting": 32})).start().await;
    let inbox = Inbox::default();
    let mut edges = inbox.edges(&gateway, EDGES).await;
    add(&server, &EDGES, 0..200);
    inbox.holds(200).await;
    gateway.kill().await;
    drop(edges);
    gateway.start_again().await;
    edges = inbox.edges(&gateway, EDGES).await;
    inbox.holds(500).await;
    server.restart();
    add(&server, &EDGES, 200..300);
    let doubled = inbox.has_all(1200).await;
    all_are_acked(&server).await;
    assert!(doubled <= 2 * 64, "at most what was held: {doubled}");
    assert!(buried(&gateway).is_empty());
    drop(edges);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_is_not_given_it_twice_and_a_consumer_that_was_deleted_is_made_again() {
    let server = Server::start();
    stream(&server);
    let gateway = orders(&server, &json!({"ack_wait": "1s"})).start().await;
    let one = edge(&gateway, 1).await;
    add(&server, &[1], 0..2);
    let first = within("it comes", one.recv()).await.unwrap();
    // Longer than the server waits: it hears that the message is worked on.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    first.done();
    let second = within("the next one comes", one.recv()).await.unwrap();
    assert_eq!(&second.data[..], b"1");
    second.done();
    all_are_acked(&server).await;
    let inbox = Inbox::default();
    let receiving = tokio::spawn(inbox.clone().receive(one, 1, |message, _| message.done()));
    Client::connect(server.addr()).jetstream("CONSUMER.DELETE.orders.plant", &Value::Null);
    add(&server, &[1], 0..20);
    assert_eq!(inbox.is_whole(&[1], 20).await, 0, "it goes on where it was");
    all_are_acked(&server).await;
    receiving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_comes_later_is_waited_for_and_one_that_stops_gives_back_at_once() {
    let server = Server::start();
    // The server would wait for longer than this test.
    let keys = json!({"ack_wait": "600s", "max_inflight": 5});
    let mut first = orders(&server, &keys).start().await;
    eventually(DEADLINE, "it says so", async || first.log().find("stream not found")).await;
    stream(&server);
    add(&server, &[1], 0..5);
    let held = async || (unacked(&server) == (5, 0)).then_some(());
    eventually(DEADLINE, "they wait for their edge", held).await;
    let second = orders(&server, &keys).start().await;
    connected(&second, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&second, [1]).await;
    first.terminate();
    assert_eq!(first.process().exit().await, Some(0));
    assert_eq!(inbox.is_whole(&[1], 5).await, 0);
    all_are_acked(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_queue_group_one_gateway_gets_each_message_and_what_finds_no_room_is_counted() {
    let server = Server::start();
    let group = |gateway: GatewayBuilder| {
        let consumer = json!({
            "name": "alarms", "subjects": ["alarms.>"], "group": "plant", "max_inflight": 100,
            "to": {"topic": "{origin}", "from": "{header:Frontier-Edge-Id}"}, "key": "{origin}",
            "dead_letter": {"file": dead_letters(&gateway)},
        });
        gateway.set("mq.nats.consumers", json!([consumer]))
    };
    let one = group(nats(server.addr(), &[])).start().await;
    let two = group(nats(server.addr(), &["alarms.fire"])).start().await;
    connected(&one, 1).await;
    connected(&two, 2).await;
    let services = [subscribed(&one, "alarms.fire").await, subscribed(&two, "other").await];
    // A sink of the other one: what its edge publishes comes back by the broker.
    let publisher = edge(&two, 7).await;
    let mut got = 0;
    let mut sent = 0;
    while got < 5 {
        publisher.publish("alarms.fire", "hot").custom("c").await.unwrap();
        sent += 1;
        let heard = tokio::time::timeout(std::time::Duration::from_millis(200), services[0].recv()).await;
        let Ok(Some(message)) = heard else { continue };
        assert_eq!((&message.data[..], &message.custom[..]), (&b"hot"[..], &b"c"[..]));
        assert_eq!((&*message.topic, message.edge_id.unwrap().0), ("alarms.fire", 7));
        message.done();
        got += 1;
    }
    assert!(sent >= got && one.log().find("lost").is_none());
    let mut client = Client::connect(server.addr());
    client.request("$JS.API.INFO", "");
    assert!(buried(&one).is_empty());
}
