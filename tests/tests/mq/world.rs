//! A gateway whose topics go to a broker, and its edges.

use frontier_sdk::{Edge, EdgeId, Error};
use frontier_tests::{Gateway, GatewayBuilder, eventually, within};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

/// The time that a message has, where a test waits for it to be over.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// A gateway with core NATS: these topics go there.
pub(crate) fn nats(addr: SocketAddr, topics: &[&str]) -> GatewayBuilder {
    let builder =
        Gateway::builder().set("mq.nats.enable", true).set("mq.nats.addrs", json!([addr.to_string()]));
    if topics.is_empty() { builder } else { builder.set("mq.nats.producer.subjects", json!(topics)) }
}

/// The same with JetStream, and a stream that is made if it has a name.
pub(crate) fn jetstream(addr: SocketAddr, stream: &str, topics: &[&str]) -> GatewayBuilder {
    nats(addr, &[])
        .set("mq.nats.jetstream.enable", true)
        .set("mq.nats.jetstream.name", stream)
        .set("mq.nats.jetstream.producer.subjects", json!(topics))
}

/// A gateway with MQTT: these topics go there.
pub(crate) fn mqtt(addrs: &[SocketAddr], topics: &[&str]) -> GatewayBuilder {
    let addrs: Vec<String> = addrs.iter().map(ToString::to_string).collect();
    let builder = Gateway::builder().set("mq.mqtt.enable", true).set("mq.mqtt.addrs", json!(addrs));
    if topics.is_empty() { builder } else { builder.set("mq.mqtt.producer.topics", json!(topics)) }
}

/// A gateway with NSQ: these topics go there.
pub(crate) fn nsq(addrs: &[SocketAddr], topics: &[&str]) -> GatewayBuilder {
    let addrs: Vec<String> = addrs.iter().map(ToString::to_string).collect();
    let builder = Gateway::builder().set("mq.nsq.enable", true).set("mq.nsq.addrs", json!(addrs));
    if topics.is_empty() { builder } else { builder.set("mq.nsq.producer.topics", json!(topics)) }
}

/// A gateway with Redis.
pub(crate) fn redis(addrs: &[SocketAddr]) -> GatewayBuilder {
    let addrs: Vec<String> = addrs.iter().map(ToString::to_string).collect();
    Gateway::builder().set("mq.redis.enable", true).set("mq.redis.addrs", json!(addrs))
}

/// The same, with topics that go to streams.
pub(crate) fn streams(addrs: &[SocketAddr], topics: &[&str]) -> GatewayBuilder {
    redis(addrs).set("mq.redis.streams.producer.topics", json!(topics))
}

/// The same where edges show the token `t`, which has this label.
pub(crate) fn labelled(builder: GatewayBuilder, key: &str, value: &str) -> GatewayBuilder {
    let tokens = builder.file("tokens.yaml");
    let hash = "sha256:e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8";
    std::fs::write(&tokens, json!([{ "hash": hash, "labels": { key: value } }]).to_string()).unwrap();
    builder.set("edgebound.auth.methods", json!([{ "token": { "file": tokens } }]))
}

/// How many lines of the log contain that.
pub(crate) fn logged(gateway: &Gateway, text: &str) -> usize {
    gateway.log().lines().iter().filter(|line| line.contains(text)).count()
}

/// An edge of this id.
pub(crate) async fn edge(gateway: &Gateway, id: u64) -> Edge {
    within("an edge connects", gateway.edge().id(EdgeId(id)).connect()).await.unwrap()
}

/// The same gateway with a place for scrapes.
pub(crate) fn observed(builder: GatewayBuilder) -> GatewayBuilder {
    builder.set("observability.enable", true).set("observability.addr", "127.0.0.1:0")
}

/// A metric of the only source of a gateway that is [`observed`].
pub(crate) async fn of_source(gateway: &Gateway, name: &str) -> f64 {
    let name = format!("frontier_mq_source_{name}");
    metric(gateway, &name).await.unwrap_or_else(|| panic!("no {name}"))
}

/// The first value of a metric with labels of a gateway that is [`observed`].
pub(crate) async fn metric(gateway: &Gateway, name: &str) -> Option<f64> {
    let listens = async || {
        let line = gateway.log().find("the metrics plane listens")?;
        line.split_once("addr=")?.1.split_whitespace().next()?.parse::<SocketAddr>().ok()
    };
    let addr = eventually(frontier_tests::DEADLINE, "it listens for scrapes", listens).await;
    let url = format!("http://{addr}/metrics");
    let scrape = tokio::process::Command::new("curl").args(["-s", &url]).output().await.unwrap();
    let scrape = String::from_utf8(scrape.stdout).unwrap();
    let line = scrape.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('{'))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Waits until the broker of the only sink or source is connected.
pub(crate) async fn connected(gateway: &Gateway, times: usize) {
    let connected = async || (logged(gateway, "the broker is connected") >= times).then_some(());
    eventually(frontier_tests::DEADLINE, "the broker is connected", connected).await;
}

/// Publishes and gives the error.
pub(crate) async fn refused(edge: &Edge, topic: &str, payload: impl Into<Vec<u8>>) -> Error {
    let published = within("it is answered", edge.publish(topic, payload.into())).await;
    published.expect_err("it is refused")
}
