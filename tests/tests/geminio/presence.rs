//! What services of the original are asked and told of edges.

use crate::client::{Client, tail};
use frontier_sdk::EdgeId;
use frontier_tests::{Gateway, within};
use serde_json::Value;

/// A service that gives out ids and hears of edges.
pub(crate) async fn registry(gateway: &Gateway) -> Client {
    Client::service(gateway, "registry", &["get_edge_id", "edge_online", "edge_offline"], &[]).await
}

/// Answers the next question for an id.
pub(crate) async fn gives(service: &mut Client, outcome: Result<&[u8], &str>) {
    let (id, request) = service.asked().await;
    assert_eq!((&*request.name, request.custom.len()), ("get_edge_id", 0));
    service.answer(id, &request, outcome).await;
}

/// Answers the next event: its method, the edge and its meta.
pub(crate) async fn hears(service: &mut Client, outcome: Result<&[u8], &str>) -> (String, u64, Value) {
    let (id, event) = service.asked().await;
    assert_eq!(event.custom.len(), 0);
    let told: Value = serde_json::from_slice(&event.payload).unwrap();
    assert_eq!(told["Net"], "tcp");
    assert!(told["Str"].as_str().unwrap().starts_with("127."), "{told}");
    service.answer(id, &event, outcome).await;
    (event.name.into_owned(), told["EdgeID"].as_u64().unwrap(), told["Meta"].clone())
}

#[tokio::test]
async fn an_edge_gets_its_id_and_is_told_of_before_it_is_let_in() {
    let gateway = Gateway::start().await;
    let mut service = registry(&gateway).await;
    let addr = gateway.edges();
    let edge = tokio::spawn(async move { Client::connect(addr, 777, b"em").await.unwrap() });
    gives(&mut service, Ok(&tail(1001))).await;
    assert_eq!(hears(&mut service, Ok(b"")).await, ("edge_online".to_owned(), 1001, "ZW0=".into()));
    let edge = edge.await.unwrap();
    assert_eq!(edge.id, 1001);
    edge.close().await;
    assert_eq!(hears(&mut service, Ok(b"")).await, ("edge_offline".to_owned(), 1001, "ZW0=".into()));
}

#[tokio::test]
async fn a_service_refuses_an_edge_with_its_own_words() {
    let gateway = Gateway::start().await;
    let mut service = registry(&gateway).await;
    let connect = || Client::connect(gateway.edges(), 0, b"");
    for (answer, told) in [(Err("who are you"), "who are you"), (Ok(&b"seven"[..]), "illegal edgeID")] {
        let (refused, ()) = tokio::join!(connect(), gives(&mut service, answer));
        assert_eq!(refused.err().as_deref(), Some(told));
    }
    let (refused, told) = tokio::join!(connect(), async {
        gives(&mut service, Ok(&tail(7))).await;
        hears(&mut service, Err("not today")).await
    });
    assert_eq!(refused.err().as_deref(), Some("not today"));
    assert_eq!(told, ("edge_online".to_owned(), 7, Value::Null));
    // An id of 0 leaves it to the gateway.
    let (edge, (_, id, _)) = tokio::join!(connect(), async {
        gives(&mut service, Ok(&tail(0))).await;
        hears(&mut service, Ok(b"")).await
    });
    assert!(id != 0 && edge.unwrap().id == id);
}

#[tokio::test]
async fn the_end_of_an_edge_is_told_before_its_successor_comes() {
    let gateway = Gateway::start().await;
    let mut service = registry(&gateway).await;
    let connect = || Client::connect(gateway.edges(), 0, b"");
    let mut edges = Vec::new();
    for number in 0..3 {
        let (edge, ()) = tokio::join!(connect(), async {
            gives(&mut service, Ok(&tail(7))).await;
            if number > 0 {
                assert_eq!(hears(&mut service, Ok(b"")).await.0, "edge_offline");
            }
            assert_eq!(hears(&mut service, Ok(b"")).await.0, "edge_online");
        });
        edges.push(edge.unwrap());
    }
    let mut last = edges.pop().unwrap();
    for mut before in edges {
        // Nobody waits for its answer: it may be half open.
        assert!(before.rest().await.ends_with(&[frontier_geminio::Kind::Disconnect]));
    }
    let call = service.ask(frontier_geminio::RequestKind::Call, 1, "m", &tail(7), b"").await;
    let (id, request) = last.asked().await;
    last.answer(id, &request, Ok(b"here")).await;
    assert_eq!(service.answer_to(call).await, Ok(b"here".to_vec()));
}

#[tokio::test]
async fn services_of_either_wire_are_asked_about_edges_of_the_other() {
    let gateway = Gateway::start().await;
    let mut service = registry(&gateway).await;
    let (ours, ()) = tokio::join!(gateway.edge().meta("em").connect(), async {
        gives(&mut service, Ok(&tail(9))).await;
        assert_eq!(hears(&mut service, Ok(b"")).await, ("edge_online".to_owned(), 9, "ZW0=".into()));
    });
    assert_eq!(ours.unwrap().id(), EdgeId(9));
    drop(service);
    let gateway = Gateway::start().await;
    let ours = gateway.service("ours").connect().await.unwrap();
    ours.on_edge_id(|meta: bytes::Bytes| async move {
        assert_eq!(meta, "em");
        Ok(EdgeId(11))
    })
    .await
    .unwrap();
    let edge = within("an edge", Client::connect(gateway.edges(), 0, b"em")).await.unwrap();
    assert_eq!(edge.id, 11);
}

#[tokio::test]
async fn a_service_that_comes_again_under_its_id_takes_over() {
    let gateway = Gateway::start().await;
    let meta = br#"{"service":"svc","topics":["t"]}"#;
    let mut edge = Client::edge(&gateway).await;
    let mut before: Option<Client> = None;
    for _ in 0..3 {
        let mut service = Client::connect(gateway.services(), 5, meta).await.unwrap();
        assert_eq!(service.id, 5);
        service.register("m").await;
        if let Some(mut before) = before.take() {
            before.rest().await;
        }
        let call = edge.ask(frontier_geminio::RequestKind::Call, 1, "m", b"", b"").await;
        let (id, request) = service.asked().await;
        service.answer(id, &request, Ok(b"here")).await;
        assert_eq!(edge.answer_to(call).await, Ok(b"here".to_vec()));
        before = Some(service);
    }
}
