//! Channels of NSQ as sources.

use super::{Inbox, buried, dead_letters, few_places, with};
use crate::nsqd::{Lookup, Nsqd};
use crate::world::{connected, edge, nsq};
use frontier_tests::{DEADLINE, GatewayBuilder, eventually, within};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A gateway that reads the topic `orders` for edge 1, with these keys besides.
fn orders(servers: &[&Nsqd], others: &Value) -> GatewayBuilder {
    let addrs: Vec<_> = servers.iter().map(|server| server.addr()).collect();
    let gateway = nsq(&addrs, &[]).set("mq.max_backoff", "100ms");
    let own = json!({
        "name": "orders", "topic": "orders", "channel": "plant", "to": {"edge": "1", "topic": "{origin}"},
        "backoff": "50ms", "max_retry_backoff": "200ms", "msg_timeout": "1s",
        "dead_letter": {"file": dead_letters(&gateway)},
    });
    gateway.set("mq.nsq.consumers", json!([with(own, others)]))
}

fn add(server: &Nsqd, numbers: std::ops::Range<usize>) {
    server.publish("orders", numbers.map(|number| number.to_string()));
}

/// Waits until each of these numbers has come. How many came more than once.
async fn whole(inbox: &Inbox, count: usize) -> usize {
    let distinct = || inbox.of(1).into_iter().collect::<BTreeSet<_>>().len();
    let all = async || (distinct() >= count).then_some(());
    eventually(2 * DEADLINE, "nothing is lost", all).await;
    inbox.len() - count
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nsqd_that_have_the_topic_are_read_and_what_fails_is_put_away() {
    let lookup = Lookup::start();
    let announce = format!("-lookupd-tcp-address={}", lookup.tcp());
    let (one, two) = (Nsqd::with(&[&announce]), Nsqd::with(&[&announce]));
    let gateway = orders(&[], &json!({"attempts": 2, "max_inflight": 20}))
        .set("mq.nsq.addrs", json!([]))
        .set("mq.nsq.lookup_addrs", json!([lookup.http()]))
        .start()
        .await;
    let none = async || gateway.log().find("no nsqd has the topic");
    eventually(DEADLINE, "it says so", none).await;
    add(&one, 0..100);
    add(&two, 100..200);
    let inbox = Inbox::default();
    let receiver = edge(&gateway, 1).await;
    let receiving = tokio::spawn(inbox.clone().receive(receiver, 1, |message, text| match text {
        "poison" => message.fail("no"),
        _ => message.done(),
    }));
    assert_eq!(whole(&inbox, 200).await, 0);
    one.publish("orders", ["poison".to_owned(), "last".to_owned()]);
    inbox.holds(203).await;
    let put_away = async || Some(buried(&gateway)).filter(|buried| buried.len() == 1);
    let buried = eventually(DEADLINE, "it is put away", put_away).await;
    assert_eq!((&buried[0]["reason"], &buried[0]["attempts"]), (&json!("application error: no"), &json!(2)));
    for server in [&one, &two] {
        server.is_empty("orders", "plant").await;
        assert_eq!(server.channel("orders", "plant")["timeout_count"], 0);
    }
    receiving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_is_not_given_it_twice_and_no_more_is_read_than_may_be_held() {
    let server = Nsqd::start();
    let gateway = orders(&[&server], &json!({"max_inflight": 10, "max_waiting": 0})).start().await;
    connected(&gateway, 1).await;
    add(&server, 0..50);
    let receiver = edge(&gateway, 1).await;
    let first = within("it comes", receiver.recv()).await.unwrap();
    // Longer than the server waits: it hears that the messages are worked on.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let channel = server.channel("orders", "plant");
    assert_eq!((&channel["in_flight_count"], &channel["timeout_count"]), (&json!(10), &json!(0)));
    first.done();
    let inbox = Inbox::default();
    let receiving = tokio::spawn(inbox.clone().receive(receiver, 1, |message, _| message.done()));
    inbox.holds(49).await;
    server.is_empty("orders", "plant").await;
    assert_eq!((inbox.len(), &server.channel("orders", "plant")["requeue_count"]), (49, &json!(0)));
    receiving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_away_holds_up_nobody_else() {
    // What comes from both has its part of the places.
    let (server, other) = (Nsqd::start(), Nsqd::start());
    let to = json!({"format": "json", "to": {"edge": "{header:edge_id}", "topic": "{origin}"}});
    let gateway = orders(&[&server, &other], &with(few_places(), &to)).start().await;
    connected(&gateway, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    let add = |edge: u64, count: usize| {
        let body = move |number: usize| {
            let payload = data_encoding::BASE64.encode(number.to_string().as_bytes());
            json!({"edge_id": edge.to_string(), "topic": "orders", "payload": payload}).to_string()
        };
        server.publish("orders", (0..count).map(body));
    };
    add(9, 40);
    add(1, 100);
    assert_eq!(inbox.has_all(100).await, 0);
    let _nine = inbox.edges(&gateway, [9]).await;
    assert_eq!(inbox.has_all(140).await, 0);
    server.is_empty("orders", "plant").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_gateway_and_server_killed_or_stopped_nothing_is_lost() {
    let mut server = Nsqd::with(&["-mem-queue-size", "0", "-sync-every", "1"]);
    let mut gateway = orders(&[&server], &json!({"max_inflight": 32, "max_waiting": 32})).start().await;
    connected(&gateway, 1).await;
    add(&server, 0..300);
    let inbox = Inbox::default();
    {
        let _edges = inbox.edges(&gateway, [1]).await;
        inbox.holds(100).await;
        gateway.kill().await;
    }
    gateway.start_again().await;
    let _edges = inbox.edges(&gateway, [1]).await;
    inbox.holds(200).await;
    server.restart();
    add(&server, 300..320);
    let doubled = whole(&inbox, 320).await;
    assert!(doubled <= 2 * 64, "at most what was held: {doubled}");
    server.is_empty("orders", "plant").await;
    assert!(buried(&gateway).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_stops_gives_back_what_it_holds_at_once() {
    let server = Nsqd::start();
    // The server would wait for longer than this test.
    let keys = json!({"msg_timeout": "600s", "max_inflight": 5});
    let mut first = orders(&[&server], &keys).start().await;
    connected(&first, 1).await;
    add(&server, 0..5);
    let held = async || (server.channel("orders", "plant")["in_flight_count"] == 5).then_some(());
    eventually(DEADLINE, "they wait for their edge", held).await;
    let second = orders(&[&server], &keys).start().await;
    connected(&second, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&second, [1]).await;
    first.terminate();
    assert_eq!(first.process().exit().await, Some(0));
    assert_eq!(whole(&inbox, 5).await, 0);
    server.is_empty("orders", "plant").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sink_writes_as_json_is_read_back() {
    let server = Nsqd::start();
    let gateway = orders(
        &[&server],
        &json!({"format": "json", "to": {"edge": "{header:edge_id}", "topic": "{header:topic}"}}),
    )
    .set("mq.nsq.producer", json!({"topics": ["news"], "topic": "orders", "format": "json"}))
    .start()
    .await;
    connected(&gateway, 2).await;
    let edge = edge(&gateway, 7).await;
    edge.publish("news", vec![0, 255]).custom("c").await.unwrap();
    let message = within("it comes back", edge.recv()).await.unwrap();
    assert_eq!((&*message.topic, &message.data[..], &message.custom[..]), ("news", &[0, 255][..], &b"c"[..]));
    message.done();
    server.is_empty("orders", "plant").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nsqd_together_may_send_no_more_than_is_held() {
    let servers = [Nsqd::start(), Nsqd::start(), Nsqd::start()];
    let all: Vec<&Nsqd> = servers.iter().collect();
    let gateway =
        orders(&all, &json!({"max_inflight": 10, "max_waiting": 0, "timeout": "60s"})).start().await;
    let channels = || servers.each_ref().map(|server| server.channel("orders", "plant"));
    let of = |name: &str| {
        let ready = |channel: &Value| channel["clients"][0][name].as_u64().unwrap_or_default();
        channels().each_ref().map(ready)
    };
    let shared = async || Some(of("ready_count")).filter(|ready| ready.iter().all(|count| *count > 0));
    eventually(DEADLINE, "each may send some", shared).await;
    let divided = async || {
        let mut ready = of("ready_count");
        ready.sort_unstable();
        (ready == [3, 3, 4]).then_some(())
    };
    eventually(DEADLINE, "the places are divided", divided).await;
    for server in &servers {
        add(server, 0..30);
    }
    let in_flight = || channels().iter().map(|it| it["in_flight_count"].as_u64().unwrap()).sum::<u64>();
    eventually(DEADLINE, "all places are taken", async || (in_flight() >= 10).then_some(())).await;
    assert_eq!(in_flight(), 10, "the edge is not there yet");
    // Of whichever server the places are that become free.
    let receiver = edge(&gateway, 1).await;
    let inbox = Inbox::default();
    let receiving = tokio::spawn(inbox.clone().receive(receiver, 1, |message, _| message.done()));
    inbox.holds(90).await;
    for server in &servers {
        server.is_empty("orders", "plant").await;
    }
    assert_eq!(inbox.len(), 90);
    receiving.abort();
}
