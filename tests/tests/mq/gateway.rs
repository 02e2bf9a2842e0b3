//! Topics of brokers as parts of a gateway: beside services, in its lists, in its metrics, at its end.

use crate::world::{connected, edge, jetstream, redis, refused, streams};
use frontier_sdk::Code;
use frontier_test_nats::{Client, Server};
use frontier_test_redis::Server as RedisServer;
use frontier_tests::{DEADLINE, Settings, eventually, within};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_quotas_hold_and_calls_and_streams_find_nobody() {
    let server = Server::start();
    let gateway = jetstream(server.addr(), "all", &["temp", "secret"]);
    let rules = gateway.file("rules.yaml");
    std::fs::write(
        &rules,
        "default: deny\nrules: [{who: {edge: '*'}, allow: {publish: [temp], open_streams_to: '*'}}]\n",
    )
    .unwrap();
    let gateway = gateway
        .set("access.rules_file", rules.to_str().unwrap())
        .set("quotas", json!([{ "for": "edge", "messages": { "rate": 1, "burst": 2 } }]));
    let gateway = gateway.start().await;
    let edge = edge(&gateway, 1).await;
    assert_eq!(refused(&edge, "secret", "1").await.code(), Code::Denied);
    edge.publish("temp", "1").await.unwrap();
    let limited =
        async || edge.publish("temp", "2").await.err().filter(|error| error.code() == Code::Overloaded);
    let error = eventually(DEADLINE, "it is over its quota", limited).await;
    assert!(error.text().contains("quota"), "{error}");
    let error = within("an answer", edge.open_stream("mq:jetstream").into_future()).await.unwrap_err();
    assert_eq!(error.code(), Code::StreamRefused, "{error}");
    assert!(Client::connect(server.addr()).stored("all").iter().all(|it| it.subject == "temp"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_waits_for_confirms_and_no_longer_than_it_may() {
    let server = Server::start();
    let mut gateway = jetstream(server.addr(), "drained", &["temp"]).start().await;
    connected(&gateway, 1).await;
    let edge = edge(&gateway, 1).await;
    edge.publish("temp", "first").await.unwrap();
    server.signal("-STOP");
    let waiting = tokio::spawn({
        let edge = edge.clone();
        async move { edge.publish("temp", "acked").await }
    });
    edge.publish("temp", "unacked").unacked().await.unwrap();
    gateway.terminate();
    eventually(DEADLINE, "it drains", async || gateway.log().find("draining")).await;
    server.signal("-CONT");
    within("the edge is told", waiting).await.unwrap().unwrap();
    assert_eq!(gateway.process().exit().await, Some(0));
    let stored = Client::connect(server.addr()).stored("drained");
    assert_eq!(stored.len(), 3, "{stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sink_may_hold_is_bounded_and_told() {
    let server = RedisServer::start();
    let gateway =
        streams(&[server.addr()], &["temp"]).set("mq.max_inflight", 10).set("mq.max_inflight_size", "1MiB");
    let gateway = gateway.start().await;
    connected(&gateway, 1).await;
    let edge = edge(&gateway, 1).await;
    edge.publish("temp", "1").await.unwrap();
    let error = refused(&edge, "temp", vec![0; 2 << 20]).await;
    assert!(error.code() == Code::TooLarge && error.text().contains("max_inflight_size"), "{error}");
    server.signal("-STOP");
    let mut large = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let edge = edge.clone();
        large.spawn(async move { edge.publish("temp", vec![1; 700_000]).await });
    }
    let error = within("one finds no room", large.join_next()).await.unwrap().unwrap().unwrap_err();
    assert!(error.code() == Code::Overloaded && error.text().contains("max_inflight_size"), "{error}");
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let edge = edge.clone();
        waiting.spawn(async move { edge.publish("temp", "2").await });
    }
    let is_full = |error: &frontier_sdk::Error| {
        error.code() == Code::Overloaded && error.text().contains("max_inflight")
    };
    for _ in 0..10 {
        let error = within("it is refused at once", waiting.join_next()).await.unwrap().unwrap().unwrap_err();
        assert!(is_full(&error), "{error}");
    }
    server.signal("-CONT");
    // The large one has its place once all of it has come: before the others, between them, or too late.
    let mut ends = within("the rest is answered", waiting.join_all()).await;
    ends.extend(within("the other as well", large.join_all()).await);
    let acked = ends.iter().filter(|end| end.is_ok()).count();
    assert!((10..=11).contains(&acked), "{ends:?}");
    assert!(ends.iter().filter_map(|end| end.as_ref().err()).all(is_full), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_brokers_do_not_wait_for_each_other() {
    let (nats, server) = (Server::start(), RedisServer::start());
    let gateway = redis(&[server.addr()])
        .set("mq.redis.streams.producer.topics", json!(["slow"]))
        .set("mq.nats.enable", true)
        .set("mq.nats.addrs", json!([nats.addr().to_string()]))
        .set("mq.nats.producer.subjects", json!(["fast"]));
    let gateway = gateway.start().await;
    connected(&gateway, 2).await;
    let edge = edge(&gateway, 1).await;
    server.signal("-STOP");
    let waiting = tokio::spawn({
        let edge = edge.clone();
        async move { edge.publish("slow", "1").await }
    });
    for _ in 0..200 {
        let fast = tokio::time::timeout(Duration::from_secs(1), edge.publish("fast", "2"));
        fast.await.expect("it waits for nobody").unwrap();
    }
    assert!(!waiting.is_finished());
    server.signal("-CONT");
    within("it is acked", waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn check_names_every_mistake() {
    let mut settings = Settings::default();
    settings.set("mqm.nats.enable", true);
    settings.set("mqm.nats.producer.subjects", json!(["a..b", "c"]));
    settings.set("mqm.redis.enable", true);
    settings.set("mqm.redis.db", -1);
    settings.set("mqm.redis.producer.channels", json!(["c"]));
    let config = settings.file();
    let mut process =
        frontier_tests::Process::start(&["--check", "--config", config.path().to_str().unwrap()], None);
    assert_eq!(process.exit().await, Some(64));
    for mistake in [
        "mqm.nats.producer.subjects: has \"a..b\", which becomes",
        "mqm.redis.db: expected a whole number",
        "mqm.redis.producer.channels: has \"c\", which mqm.nats.producer.subjects has",
    ] {
        let found = async || process.log().find(mistake);
        eventually(DEADLINE, mistake, found).await;
    }
}
