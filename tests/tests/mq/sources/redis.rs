//! Streams of Redis as sources: groups, in peace.

use super::inbox::subscribed;
use super::{Inbox, buried, to_edges, with};
use crate::resp::{Resp, Value as Said};
use crate::world::{connected, edge, logged, redis};
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, GatewayBuilder, eventually, within};
use serde_json::{Value, json};

/// A gateway that reads this stream for the edges that `edge_id` names, with these keys besides.
pub(super) fn orders(server: &Server, others: &Value) -> GatewayBuilder {
    let gateway = redis(&[server.addr()]).set("mq.max_backoff", "100ms");
    let own = json!({"streams": ["orders"], "group": "plant", "claim_after": "1s"});
    let consumer = with(with(to_edges(&gateway, "edge_id"), &own), others);
    gateway.set("mq.redis.streams.consumers", json!([consumer]))
}

/// Adds numbered entries for each of these edges, in turn.
pub(super) fn add(server: &Server, ids: &[u64], numbers: std::ops::Range<usize>) {
    let mut client = Resp::connect(server.addr());
    for number in numbers {
        for id in ids {
            let (id, number) = (id.to_string(), number.to_string());
            client.ask(&["XADD", "orders", "*", "edge_id", &id, "payload", &number]);
        }
    }
}

/// How many entries of a group are pending.
pub(super) fn pending(server: &Server) -> i64 {
    match Resp::connect(server.addr()).ask(&["XPENDING", "orders", "plant"]) {
        Said::List(summary) => match summary[0] {
            Said::Number(count) => count,
            ref other => panic!("{other:?}"),
        },
        // The group is not there yet.
        Said::Text(_) => 0,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn nothing_is_pending(server: &Server) {
    let acked = async || (pending(server) == 0).then_some(());
    eventually(DEADLINE, "all are acked", acked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_entry_goes_to_its_edge_in_order_and_is_acked_then() {
    let server = Server::start();
    add(&server, &[1, 2, 3], 0..100);
    let gateway = orders(&server, &json!({"max_inflight": 64})).start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, 1..=3).await;
    assert_eq!(inbox.is_whole(&[1, 2, 3], 100).await, 0);
    nothing_is_pending(&server).await;
    // What a sink writes is read back as it was; a large payload comes on a leg.
    let large = "x".repeat(300_000);
    let edge = edge(&gateway, 7).await;
    let mut client = Resp::connect(server.addr());
    for payload in ["small", &large] {
        client.ask(&["XADD", "orders", "*", "edge_id", "7", "custom", "c", "payload", payload]);
        let message = within("it comes", edge.recv()).await.unwrap();
        assert_eq!(
            (&*message.topic, &message.custom[..], &message.data[..]),
            ("orders", &b"c"[..], payload.as_bytes())
        );
        message.done();
    }
    nothing_is_pending(&server).await;
    assert_eq!((buried(&gateway).len(), logged(&gateway, "the broker is connected")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_is_waited_for_and_no_more_is_read_meanwhile() {
    let server = Server::start();
    let gateway = orders(&server, &json!({"max_inflight": 10})).start().await;
    connected(&gateway, 1).await;
    add(&server, &[1], 0..50);
    let read = async || (pending(&server) == 10).then_some(());
    eventually(DEADLINE, "as many are read as may be held", read).await;
    let inbox = Inbox::default();
    {
        let _edge = inbox.edges(&gateway, [1]).await;
        inbox.holds(20).await;
    }
    // It leaves, and comes back.
    let _edge = inbox.edges(&gateway, [1]).await;
    let doubled = inbox.is_whole(&[1], 50).await;
    assert!(doubled <= 1, "at most what was on its way: {doubled}");
    nothing_is_pending(&server).await;
    assert!(buried(&gateway).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_and_then_put_away_with_its_reason() {
    let server = Server::start();
    let gateway = orders(&server, &json!({"attempts": 3})).start().await;
    let inbox = Inbox::default();
    let one = edge(&gateway, 1).await;
    let receiving = tokio::spawn(inbox.clone().receive(one, 1, |message, text| match text {
        "poison" => message.fail("I can't"),
        _ => message.done(),
    }));
    let _other = inbox.edges(&gateway, [2]).await;
    let mut client = Resp::connect(server.addr());
    for (id, payload) in [("1", "a"), ("1", "poison"), ("1", "b"), ("2", "c"), ("x", "lost"), ("0", "nobody")]
    {
        client.ask(&["XADD", "orders", "*", "edge_id", id, "payload", payload]);
    }
    client.ask(&["XADD", "orders", "*", "payload", "nameless"]);
    inbox.holds(6).await;
    assert_eq!(inbox.of(1), ["a", "poison", "poison", "poison", "b"]);
    assert_eq!(inbox.of(2), ["c"]);
    nothing_is_pending(&server).await;
    let buried = buried(&gateway);
    let mut reasons: Vec<(&str, u64)> = buried
        .iter()
        .map(|line| (line["reason"].as_str().unwrap(), line["attempts"].as_u64().unwrap()))
        .collect();
    reasons.sort_unstable();
    let expected = [
        ("\"x\" is no EdgeID", 0),
        ("0 is the id of no edge", 0),
        ("application error: I can't", 3),
        ("it has no \"edge_id\"", 0),
    ];
    assert_eq!(reasons, expected);
    assert!(buried.iter().all(|line| line["origin"] == "orders" && line["source"] == "orders"));
    receiving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_were_trimmed_while_they_were_pending_end_nothing() {
    let server = Server::start();
    let mut gateway = orders(&server, &json!({"consumer": "fixed"})).start().await;
    add(&server, &[1], 0..20);
    let read = async || (pending(&server) == 20).then_some(());
    eventually(DEADLINE, "all are read", read).await;
    gateway.kill().await;
    // Of what is pending the half is in the stream no more.
    server.cli(&["XTRIM", "orders", "MAXLEN", "10"]);
    assert_eq!(pending(&server), 20);
    gateway.start_again().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    inbox.holds(10).await;
    let expected: Vec<String> = (10..20).map(|number: u32| number.to_string()).collect();
    assert_eq!(inbox.of(1), expected);
    nothing_is_pending(&server).await;
    gateway.log().line("are not in the stream any more").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_consumers_and_leaves_the_others_alone() {
    let server = Server::start();
    let mut gateway = orders(&server, &json!({})).start().await;
    connected(&gateway, 1).await;
    let service = subscribed(&gateway, "raw").await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    add(&server, &[1], 0..1);
    inbox.holds(1).await;
    // One more; then that one is another.
    let first = |gateway: &frontier_tests::Gateway| {
        json!({
            "name": "orders",
            "to": {"edge": "{header:edge_id}", "topic": "orders"},
            "backoff": "50ms",
            "max_retry_backoff": "200ms",
            "dead_letter": {"file": gateway.dir().join("dead.jsonl")},
            "streams": ["orders"], "group": "plant", "claim_after": "1s",
        })
    };
    let raw =
        json!({"name": "raw", "streams": ["raw"], "to": {"topic": "raw"}, "dead_letter": {"drop": true}});
    let consumers = json!([first(&gateway), raw]);
    gateway.reconfigure("mq.redis.streams.consumers", consumers);
    server.cli(&["XADD", "raw", "*", "payload", "hello"]);
    let message = within("it comes", service.recv()).await.unwrap();
    assert_eq!((&*message.topic, &message.data[..], message.edge_id), ("raw", &b"hello"[..], None));
    message.done();
    connected(&gateway, 2).await;
    let raw = with(raw, &json!({"payload": "", "to": {"topic": "raw", "from": "{header:edge}"}}));
    let consumers = json!([first(&gateway), raw]);
    gateway.reconfigure("mq.redis.streams.consumers", consumers);
    connected(&gateway, 3).await;
    server.cli(&["XADD", "raw", "*", "edge", "9", "temp", "21"]);
    let message = within("it comes", service.recv()).await.unwrap();
    assert_eq!((&message.data[..], message.edge_id.unwrap().0), (&br#"{"edge":"9","temp":"21"}"#[..], 9));
    message.done();
    gateway.reconfigure("mq.redis.streams.consumers", json!([raw]));
    let ended = async || (logged(&gateway, "configured no more") == 2).then_some(());
    eventually(DEADLINE, "the first one ends", ended).await;
    assert_eq!(logged(&gateway, "but takes a restart"), 0);
}
