//! How many may subscribe, and mistakes in the configuration.

use crate::events::curl;
use crate::subscriber::Subscriber;
use crate::world::{TOPIC, bridge_of, bridged, publish, url};
use frontier_tests::{DEADLINE, Gateway, eventually};
use serde_json::json;

#[tokio::test]
async fn one_subscriber_too_many_is_told_and_has_a_place_once_one_leaves() {
    let gateway = bridged().set("bridge.subscribers_per_address", 2).start().await;
    let address = url(&gateway, "").await;
    let first = Subscriber::open(&address, &[]).await;
    let _second = Subscriber::open(&address, &[]).await;
    assert_eq!(Subscriber::start(&address, &[]).line("refused").await, "refused 429");
    let answer = curl(&["-s", "-i", &address.replace("ws://", "http://")]).await;
    assert!(answer.to_lowercase().contains("retry-after: 5"), "{answer}");
    assert!(answer.contains(
        "2 subscribers are here from this address, the most there may be (bridge.subscribers_per_address)"
    ));
    drop(first);
    let place = async || Subscriber::start(&address, &[]).line("").await.starts_with("open").then_some(());
    eventually(DEADLINE, "a place", place).await;
}

#[tokio::test]
async fn what_is_no_websocket_is_told_why() {
    let gateway = bridged().start().await;
    let topic = format!("http://{}/bridge/v1/topics/{TOPIC}", bridge_of(&gateway).await);
    let answer = curl(&[
        "-s",
        "-i",
        "--max-time",
        "5",
        "-H",
        "upgrade: websocket",
        "-H",
        "connection: upgrade",
        &topic,
    ])
    .await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Sec-WebSocket-Version"), "{answer}");
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_told_with_their_keys() {
    for (key, value, told) in [
        ("bridge.topics", json!([]), "bridge.topics: names no topic"),
        ("bridge.topics", json!([{"name": "*"}]), "bridge.topics[0].name: must be a name"),
        ("bridge.listen.addr", json!("0.0.0.0:0"), "bridge.auth: is required, with `methods`"),
        ("bridge.lag", json!(0), "bridge.lag: must lie between 1"),
        (
            "bridge.flat",
            json!([{"path": "/bridge", "topics": ["a"]}]),
            "bridge.flat[0].path: is one of the bridge's own",
        ),
        (
            "bridge.listen.tls",
            json!({"enable": true, "certs": [{"cert": "/no/cert", "key": "/no/key"}]}),
            "bridge.listen.tls.certs[0].cert: /no/cert",
        ),
        (
            "bridge.auth.methods",
            json!([{"token": {"file": "/no/tokens"}}]),
            "bridge.auth.methods[0].token.file: /no/tokens",
        ),
    ] {
        let (code, lines) = bridged().set(key, value).fail().await;
        assert!(code == Some(64) && lines.iter().any(|line| line.contains(told)), "{key}: {lines:?}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_and_tokens_that_are_shared_are_told() {
    let gateway = bridged().start().await;
    let addr = bridge_of(&gateway).await.to_string();
    let (code, lines) = bridged().set("bridge.listen.addr", addr).fail().await;
    assert!(
        code != Some(0)
            && lines.iter().any(|line| line.contains("can't listen on") && line.contains("bridge")),
        "{lines:?}"
    );
    let shared = bridged();
    let tokens = shared.file("tokens.yaml");
    std::fs::write(&tokens, "[]").unwrap();
    let methods = json!([{"token": {"file": tokens.to_str().unwrap()}}]);
    let shared = shared
        .set("bridge.auth.methods", methods.clone())
        .set("edgebound.auth.methods", methods)
        .start()
        .await;
    let warning = shared.log().line("bridge.auth: its tokens are those of edgebound.auth").await;
    assert!(warning.contains("WARN"), "{warning}");
}

#[tokio::test]
async fn a_gateway_without_a_bridge_has_none() {
    let gateway = Gateway::start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let error = edge.publish(TOPIC, "1").await.unwrap_err();
    assert!(error.to_string().contains("topic"), "{error}");
    assert_eq!(gateway.log().find("the bridge listens"), None);
    let with = bridged().start().await;
    publish(&with.edge().connect().await.unwrap(), [1]).await;
}
