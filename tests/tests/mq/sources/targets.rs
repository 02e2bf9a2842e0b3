//! Who gets what comes from a broker: edges by label, services by method, and who they hear it from.

use super::{Inbox, buried, dead_letters};
use crate::resp::Resp;
use crate::world::{connected, redis};
use frontier_sdk::EdgeId;
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually, within};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn consuming(server: &Server, to: &Value) -> GatewayBuilder {
    let gateway = redis(&[server.addr()]);
    let consumer = json!({
        "name": "news", "streams": ["news"], "to": to, "backoff": "50ms", "max_retry_backoff": "100ms", "attempts": 5,
        "dead_letter": {"file": dead_letters(&gateway)},
    });
    gateway.set("mq.redis.streams.consumers", json!([consumer]))
}

async fn with_label(gateway: &Gateway, id: u64) -> frontier_sdk::Edge {
    let connecting = gateway.edge().id(EdgeId(id)).meta(r#"{"region":"eu"}"#).connect();
    within("an edge connects", connecting).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_edges_with_the_labels_get_it_each_once() {
    let server = Server::start();
    let gateway = consuming(&server, &json!({"labels": {"region": "eu"}, "topic": "{origin}"}));
    let gateway = gateway
        .set("edgebound.auth.methods", json!([]))
        .set("edgebound.auth.meta_labels", json!(["region"]))
        .start()
        .await;
    connected(&gateway, 1).await;
    let mut client = Resp::connect(server.addr());
    client.ask(&["XADD", "news", "*", "payload", "first"]);
    let inbox = Inbox::default();
    // One without the label, and one that fails at first.
    let _plain = inbox.edges(&gateway, [1]).await;
    let failures = Arc::new(AtomicUsize::new(2));
    let mut receivers = tokio::task::JoinSet::new();
    receivers.spawn(inbox.clone().receive(with_label(&gateway, 2).await, 2, |message, _| message.done()));
    inbox.holds(1).await;
    receivers.spawn(inbox.clone().receive(with_label(&gateway, 3).await, 3, move |message, _| {
        match failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => message.fail("not now"),
            Err(_) => message.done(),
        }
    }));
    client.ask(&["XADD", "news", "*", "payload", "second"]);
    inbox.holds(5).await;
    assert_eq!(inbox.of(2), ["first", "second"]);
    assert_eq!(inbox.of(3), ["second"; 3]);
    assert_eq!(inbox.of(1), [] as [&str; 0]);
    assert!(buried(&gateway).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_called_by_its_method_once_it_is_there() {
    let server = Server::start();
    let gateway = consuming(&server, &json!({"method": "{header:method}", "from": "{header:edge}"}));
    let gateway = gateway.start().await;
    connected(&gateway, 1).await;
    let mut client = Resp::connect(server.addr());
    client.ask(&["XADD", "news", "*", "method", "count", "edge", "42", "payload", "one"]);
    client.ask(&["XADD", "news", "*", "method", "count", "edge", "43", "payload", "fails"]);
    let service = within("a service connects", gateway.service("counter").connect()).await.unwrap();
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let count = move |request: frontier_sdk::Request| {
        let said = (request.edge_id.map(|edge| edge.0), request.data.to_vec());
        heard.send(said.clone()).unwrap();
        async move {
            match &said.1[..] {
                b"fails" => Err(frontier_sdk::HandlerError::new(7, "no")),
                _ => Ok(frontier_sdk::Response::default()),
            }
        }
    };
    service.register("count", count).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(within("it is called", hears.recv()).await.unwrap());
    }
    assert_eq!(all.iter().filter(|said| **said == (Some(42), b"one".to_vec())).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|said| **said == (Some(43), b"fails".to_vec())).count(), 5, "{all:?}");
    let put_away = async || Some(buried(&gateway)).filter(|buried| buried.len() == 1);
    let buried = eventually(DEADLINE, "it is given up", put_away).await;
    assert_eq!((&buried[0]["attempts"], &buried[0]["reason"]), (&json!(5), &json!("application error: no")));
}
