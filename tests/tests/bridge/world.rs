//! A gateway with a bridge.

use frontier_sdk::Edge;
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, within};
use serde_json::json;
use std::net::SocketAddr;

/// The topic that everybody knows.
pub(crate) const TOPIC: &str = "telemetry";

/// A gateway that bridges one topic, to be configured.
pub(crate) fn bridged() -> GatewayBuilder {
    Gateway::builder()
        .set("bridge.enable", true)
        .set("bridge.listen.addr", "127.0.0.1:0")
        .set("bridge.topics", json!([{"name": TOPIC}]))
        .set("bridge.pace", "0s")
}

/// Where its bridge listens.
pub(crate) async fn bridge_of(gateway: &Gateway) -> SocketAddr {
    let told = async || {
        let line = gateway.log().find("the bridge listens")?;
        line.split_once("addr=")?.1.split_whitespace().next()?.parse().ok()
    };
    eventually(DEADLINE, "the bridge listens", told).await
}

/// The URL of a topic over WebSocket, with this query.
pub(crate) async fn url(gateway: &Gateway, query: &str) -> String {
    format!("ws://{}/bridge/v1/topics/{TOPIC}{query}", bridge_of(gateway).await)
}

/// Publishes these, one after the other: each is acked before the next goes.
pub(crate) async fn publish(edge: &Edge, payloads: impl IntoIterator<Item = impl ToString>) {
    for payload in payloads {
        within("an ack", edge.publish(TOPIC, payload.to_string()).into_future()).await.unwrap();
    }
}
