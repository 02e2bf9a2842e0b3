//! Calls and messages that an operator has the gateway send.

use crate::world::{Rest, grpc, says};
use frontier_api::gateway::{CallEdgeRequest, PublishToServiceRequest};
use frontier_sdk::{EdgeId, HandlerError, Request};
use frontier_tests::{Gateway, echo, within};
use serde_json::{Value, json};
use tonic::Code;

async fn post(rest: &Rest, path: &str, body: Value) -> (u16, Value) {
    let (status, body) = rest.send("POST", path, &body.to_string()).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn an_edge_is_called_and_its_errors_are_told_with_code_and_text() {
    let gateway = Gateway::start().await;
    let edge = gateway
        .edge()
        .id(EdgeId(7))
        .register("echo", |request: Request| async move { Ok(request.data.into()) })
        .register("fails", |_: Request| async { Err(HandlerError::new(42, "no more paper")) });
    let _edge = edge.connect().await.unwrap();
    let rest = Rest::of(&gateway).await;
    let call = async |method: &str| {
        post(&rest, "/v1/edges/7/call", json!({"method": method, "payload": "/3g="})).await
    };
    assert_eq!(call("echo").await, (200, json!({"payload": "/3g="})));
    says(gateway.log(), &["frontier::audit", "outcome=\"done\"", "action=\"call\"", "edge 7: echo"]).await;
    let (status, body) = call("fails").await;
    assert_eq!((status, &body["code"]), (424, &json!("ABORTED")), "{body}");
    assert_eq!(
        body["peer"],
        json!({"code": "application error", "detail": 42, "text": "no more paper"}),
        "{body}"
    );
    let (status, body) = call("nothing").await;
    assert_eq!((status, &body["peer"]["code"]), (424, &json!("method not found")), "{body}");
    for (path, body, status) in [
        ("/v1/edges/9/call", json!({"method": "echo"}), 404),
        ("/v1/edges/7/call", json!({"method": ""}), 400),
        ("/v1/edges/7/call", json!({"method": "get_edge_id"}), 400),
        ("/v1/edges/7/call", json!({"method": "echo", "payload": "?"}), 400),
        ("/v1/edges/7/call", json!({"method": "echo", "more": 1}), 400),
        ("/v1/edges/7/call", json!({}), 400),
        ("/v1/edges/7/publish", json!({"topic": "x".repeat(256)}), 400),
    ] {
        let (found, answer) = post(&rest, path, body.clone()).await;
        assert_eq!(found, status, "{path} {body}: {answer}");
    }
    assert_eq!(rest.send("POST", "/v1/edges/7/call", "{").await.0, 400);
    let mut client = grpc(rest.addr).await;
    let request = CallEdgeRequest { edge_id: 7, method: "fails".into(), ..CallEdgeRequest::default() };
    let error = client.call_edge(request).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Aborted, "application error: no more paper"));
}

#[tokio::test]
async fn messages_are_acked_by_who_got_them() {
    let gateway = Gateway::start().await;
    let edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    let service = gateway.service("files").topics(["up"]).connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let rest = Rest::of(&gateway).await;
    let publish = post(&rest, "/v1/edges/7/publish", json!({"topic": "t", "payload": "aGk="}));
    let (answer, ()) = tokio::join!(publish, async {
        let message = within("a message", edge.recv()).await.unwrap();
        assert_eq!((&*message.topic, &message.data[..]), ("t", b"hi".as_slice()));
        message.done();
    });
    assert_eq!(answer, (200, json!({})));
    let id: u64 =
        rest.get("/v1/services").await["services"][0]["service_id"].as_str().unwrap().parse().unwrap();
    let mut client = grpc(rest.addr).await;
    let request =
        PublishToServiceRequest { service_id: id, topic: "up".into(), ..PublishToServiceRequest::default() };
    let (answer, ()) = tokio::join!(client.publish_to_service(request), async {
        let message = within("a message", service.recv()).await.unwrap();
        assert_eq!(message.edge_id, None, "no edge has sent it");
        message.done();
    });
    answer.unwrap();
    let path = format!("/v1/services/{id}/call");
    let called = post(&rest, &path, json!({"method": "echo", "payload": "aGk="})).await;
    assert_eq!(called, (200, json!({"payload": "aGk="})));
    // Nobody takes it out of the queue.
    let late = post(&rest, "/v1/edges/7/publish", json!({"topic": "t", "timeout_ms": 100}));
    let (status, body) = late.await;
    assert_eq!((status, &body["code"]), (504, &json!("DEADLINE_EXCEEDED")), "{body}");
}
