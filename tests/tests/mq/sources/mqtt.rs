//! Topics of MQTT as sources: sessions that the server keeps, shared ones, and ones that begin anew.

use super::inbox::subscribed;
use super::{Inbox, buried, few_places, to_edges, with};
use crate::mosquitto::Mosquitto;
use crate::world::{connected, edge, logged, mqtt};
use frontier_tests::{DEADLINE, GatewayBuilder, eventually, within};
use serde_json::{Value, json};

const EDGES: [u64; 4] = [1, 2, 3, 4];

/// A server that keeps on disk what it has to keep, at once.
const KEEPS: &str =
    "persistence true\npersistence_location {}/\nautosave_on_changes true\nautosave_interval 1\n";

/// A gateway that reads `orders/+` for the edges that are in the topics, with these keys besides.
fn orders(server: &Mosquitto, others: &Value) -> GatewayBuilder {
    let gateway = mqtt(&[server.addr()], &[]).set("mq.max_backoff", "100ms");
    let own = json!({
        "client_id": "plant", "topics": ["orders/+"], "to": {"edge": "{origin:2}", "topic": "{origin:1}"},
    });
    let consumer = with(with(to_edges(&gateway, ""), &own), others);
    gateway.set("mq.mqtt.consumers", json!([consumer]))
}

/// Publishes numbers for each of these edges.
fn add(server: &Mosquitto, ids: &[u64], numbers: std::ops::Range<usize>) {
    for id in ids {
        server.publish(&format!("orders/{id}"), numbers.clone().map(|number| number.to_string()), &[]);
    }
}

/// Waits until the server has an ack of each message that it has sent with QoS 1 since its last start.
async fn all_are_acked(server: &Mosquitto, client: &str) {
    let count = |log: &str, text: &str| log.matches(text).count();
    let acked = async || {
        let log = server.log();
        let sent = log.lines().filter(|line| line.contains(&format!("Sending PUBLISH to {client} (")));
        let sent = sent.filter(|line| line.contains(", q1,")).count();
        (count(&log, &format!("Received PUBACK from {client} (")) >= sent).then_some(())
    };
    eventually(DEADLINE, "all are acked", acked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_goes_to_its_edge_in_order_and_what_fails_is_put_away() {
    let server = Mosquitto::start();
    let gateway = orders(&server, &json!({"attempts": 2, "max_inflight": 64})).start().await;
    connected(&gateway, 1).await;
    add(&server, &[1, 2, 3], 0..100);
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, 1..=3).await;
    assert_eq!(inbox.is_whole(&[1, 2, 3], 100).await, 0);
    let four = edge(&gateway, 4).await;
    let refusing = tokio::spawn(inbox.clone().receive(four, 4, |message, text| match text {
        "poison" => message.fail("no"),
        _ => message.done(),
    }));
    let large = "x".repeat(300_000);
    server.publish("orders/4", ["a", "poison", &large].map(str::to_owned), &[]);
    server.publish("orders/x", ["b".to_owned()], &[]);
    inbox.holds(304).await;
    assert_eq!(inbox.of(4), ["a", "poison", "poison", &large]);
    let put_away = async || Some(buried(&gateway)).filter(|buried| buried.len() == 2);
    let buried = eventually(DEADLINE, "they are put away", put_away).await;
    let mut reasons: Vec<&str> = buried.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["\"x\" is no EdgeID", "application error: no"]);
    all_are_acked(&server, "plant").await;
    assert_eq!(logged(&gateway, "the broker is connected"), 1);
    refusing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_read_than_may_be_held_and_a_gateway_that_stops_or_dies_gets_it_again() {
    let server = Mosquitto::start();
    let mut gateway = orders(&server, &json!({"max_inflight": 10, "max_waiting": 0})).start().await;
    connected(&gateway, 1).await;
    add(&server, &[1], 0..50);
    let sent = || server.log().matches("Sending PUBLISH to plant (d0, q1").count();
    let full = async || (sent() == 10).then_some(());
    eventually(DEADLINE, "as many are sent as may be held", full).await;
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    gateway.start_again().await;
    let inbox = Inbox::default();
    {
        let _edges = inbox.edges(&gateway, [1]).await;
        inbox.holds(20).await;
        gateway.kill().await;
    }
    gateway.start_again().await;
    let _edges = inbox.edges(&gateway, [1]).await;
    let doubled = inbox.is_whole(&[1], 50).await;
    assert!(doubled <= 10, "at most what was held: {doubled}");
    let connects =
        |known: u8| server.log().matches(&format!("Sending CONNACK to plant ({known}, 0)")).count();
    let again = async || (connects(1) >= 2).then_some(());
    eventually(DEADLINE, "it has connected three times", again).await;
    assert_eq!(connects(0), 1, "the session is the same: {}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_away_holds_up_nobody_else() {
    let server = Mosquitto::start();
    let gateway = orders(&server, &few_places()).start().await;
    connected(&gateway, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    add(&server, &[9], 0..40);
    add(&server, &[1], 0..300);
    assert_eq!(inbox.is_whole(&[1], 300).await, 0);
    // Its messages hold the acks of those behind them, and all are acked once it is there.
    let _nine = inbox.edges(&gateway, [9]).await;
    assert_eq!(inbox.is_whole(&[9], 40).await, 0);
    all_are_acked(&server, "plant").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_server_killed_and_frozen_nothing_is_lost() {
    let mut server = Mosquitto::with(KEEPS);
    let gateway =
        orders(&server, &json!({"max_inflight": 32, "max_waiting": 32})).set("mq.mqtt.keep_alive", "1s");
    let gateway = gateway.set("mq.connect_timeout", "1s").start().await;
    connected(&gateway, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, EDGES).await;
    for round in 0..3 {
        add(&server, &EDGES, round * 50..(round + 1) * 50);
        inbox.holds(round * 200 + 50).await;
        server.restart();
        connected(&gateway, round + 2).await;
    }
    let doubled = inbox.is_whole(&EDGES, 150).await;
    assert!(doubled <= 3 * 64, "what was acked when the server died: {doubled}");
    server.signal("-STOP");
    eventually(DEADLINE, "it is left", async || gateway.log().find("no sign of life from the broker")).await;
    server.signal("-CONT");
    connected(&gateway, 5).await;
    add(&server, &EDGES, 150..160);
    inbox.is_whole(&EDGES, 160).await;
    assert!(buried(&gateway).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_shared_subscription_each_message_goes_to_one_gateway() {
    let server = Mosquitto::start();
    let shared = |client: &str| {
        orders(
            &server,
            &json!({
                "client_id": client, "group": "plants", "key": "{origin}",
                "to": {"topic": "raw", "from": "{header:Frontier-Edge-Id}"},
            }),
        )
    };
    let one = shared("one").start().await;
    let two = shared("two").set("mq.mqtt.producer.topics", json!(["orders/7"])).start().await;
    connected(&one, 1).await;
    connected(&two, 2).await;
    let services = [subscribed(&one, "raw").await, subscribed(&two, "raw").await];
    // A sink of the other one: what its edge publishes comes back by the broker, to one of both.
    let publisher = edge(&two, 7).await;
    for number in 0..20 {
        publisher.publish("orders/7", number.to_string()).custom("c").await.unwrap();
    }
    let mut got = [0, 0];
    for _ in 0..20 {
        let [first, second] = &services;
        let coming = async {
            tokio::select! {
                message = first.recv() => (0, message),
                message = second.recv() => (1, message),
            }
        };
        let (who, message) = within("it comes", coming).await;
        let message = message.unwrap();
        assert_eq!((&message.custom[..], message.edge_id.unwrap().0), (&b"c"[..], 7));
        message.done();
        got[who] += 1;
    }
    assert!(got[0] > 0 && got[1] > 0, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_begins_anew_has_nothing_of_what_came_before() {
    let mut server = Mosquitto::start();
    let gateway = orders(&server, &json!({"client_id": "", "clean_start": true})).start().await;
    connected(&gateway, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    add(&server, &[1], 0..1);
    inbox.holds(1).await;
    gateway.freeze();
    server.restart();
    // Nobody is there for it.
    add(&server, &[1], 1..2);
    gateway.thaw();
    connected(&gateway, 2).await;
    add(&server, &[1], 2..3);
    inbox.holds(2).await;
    assert_eq!(inbox.of(1), ["0", "2"]);
}
