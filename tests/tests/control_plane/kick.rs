//! Connections that an operator closes.

use crate::world::{Rest, grpc, says};
use frontier_api::gateway::KickServiceRequest;
use frontier_protocol::{Code, GoAway, Kind};
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, Gateway, RawPeer, echo, eventually, within};
use serde_json::json;

/// It is told why, its end is known, and the SDK comes again.
#[tokio::test]
async fn an_edge_that_is_kicked_comes_again() {
    let gateway = Gateway::start().await;
    let edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    let service = gateway.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let rest = Rest::of(&gateway).await;
    let before = rest.get("/v1/edges/7").await;
    assert_eq!(rest.ask("DELETE", "/v1/edges/7").await, (200, json!({})));
    says(gateway.log(), &["frontier::audit", "outcome=\"done\"", "action=\"kick\"", "edge 7", "addr=127."])
        .await;
    says(gateway.log(), &["edge disconnected", "closed by an operator"]).await;
    let again = async || {
        let (status, edge) = rest.ask("GET", "/v1/edges/7").await;
        (status == 200 && edge["addr"] != before["addr"]).then_some(())
    };
    eventually(DEADLINE, "the edge is there again", again).await;
    assert_eq!(within("a call", edge.call("echo", "x")).await.unwrap().data, "x");
    assert_eq!(rest.ask("DELETE", "/v1/edges/9").await.0, 404);
    says(gateway.log(), &["frontier::audit", "outcome=\"failed\"", "edge 9", "not connected here"]).await;
}

#[tokio::test]
async fn who_is_kicked_is_told_so_on_its_wire_and_is_gone_at_once() {
    let gateway = Gateway::start().await;
    let rest = Rest::of(&gateway).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let path = format!("/v1/edges/{}", edge.id());
    assert_eq!(rest.ask("DELETE", &path).await.0, 200);
    assert_eq!(rest.ask("GET", &path).await.0, 404, "gone when it is answered");
    let frame = loop {
        let frame = within("the reason", edge.next()).await.expect("it is told before the end");
        if frame.kind == Kind::GoAway {
            break frame;
        }
    };
    let GoAway { code, text, .. } = GoAway::parse(&frame).unwrap();
    assert_eq!((code, text), (Code::Disconnected, "closed by an operator"));
}

#[tokio::test]
async fn a_service_is_kicked_over_grpc() {
    let gateway = Gateway::start().await;
    let service = gateway.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let rest = Rest::of(&gateway).await;
    let id = rest.get("/v1/services").await["services"][0]["service_id"].as_str().unwrap().parse().unwrap();
    let before = rest.get("/v1/services").await["services"][0]["addr"].clone();
    let mut client = grpc(rest.addr).await;
    client.kick_service(KickServiceRequest { service_id: id }).await.unwrap();
    says(gateway.log(), &["service disconnected", "closed by an operator"]).await;
    let again = async || {
        let services = rest.get("/v1/services?rpc=echo").await;
        let addr = &services["services"][0]["addr"];
        (addr.is_string() && *addr != before).then_some(())
    };
    eventually(DEADLINE, "the service is there again, with its method", again).await;
}

#[tokio::test]
async fn a_sink_is_listed_and_not_kicked() {
    // Its broker need not be there.
    let gateway = Gateway::builder()
        .set("mq.redis.enable", true)
        .set("mq.redis.addrs", json!(["127.0.0.1:1"]))
        .set("mq.redis.producer.channels", json!(["temp"]));
    let gateway = gateway.start().await;
    let rest = Rest::of(&gateway).await;
    let listed = rest.get("/v1/services").await["services"][0].clone();
    assert_eq!(
        (&listed["service"], &listed["addr"], &listed["topics"]),
        (&json!("mq:redis"), &json!(""), &json!(1))
    );
    let path = format!("/v1/services/{}", listed["service_id"].as_str().unwrap());
    let (status, answer) = rest.ask("DELETE", &path).await;
    assert!(status >= 400 && answer.to_string().contains("is a part of the gateway"), "{status} {answer}");
    assert_eq!(rest.ask("GET", &path).await.0, 200);
}
