//! What a gateway's own control plane tells and does.

use crate::world::World;
use frontier_sdk::{Edge, EdgeId, Service, ServiceId, Status};
use frontier_tests::{DEADLINE, Gateway, eventually, within};
use serde_json::json;

async fn world(gateway: &Gateway) -> World {
    World::at(gateway).with("FRONTCTL_GATEWAY", format!("http://{}", gateway.control().await))
}

#[tokio::test]
async fn peers_of_a_gateway_are_listed_in_full() {
    let gateway = Gateway::start().await;
    let world = world(&gateway).await;
    let mut edges = Vec::new();
    for id in [7, 8] {
        let edge = Edge::builder(gateway.edge_url()).id(EdgeId(id)).meta(format!("sn-{id}"));
        edges.push(edge.connect().await.unwrap());
    }
    let service = Service::builder(gateway.service_url()).name("files").id(ServiceId(5)).topics(["a", "b"]);
    let _service = service.connect().await.unwrap();

    // No frontlas is set, so that the gateway is asked.
    let listed = world.run(&["edges", "ls", "-o", "json"]).await.json();
    assert_eq!(
        (&listed[0]["edge_id"], &listed[0]["meta"], &listed[1]["edge_id"]),
        (&json!("7"), &json!("sn-7"), &json!("8"))
    );
    assert_eq!(world.run(&["edges", "ls", "--from", "gateway", "--count"]).await.text(), "2\n");
    let limited = world.run(&["edges", "ls", "--limit", "1", "-o", "json"]).await.json();
    assert_eq!(limited.as_array().unwrap().len(), 1);
    let table = world.run(&["services", "ls"]).await.text();
    assert!(table.starts_with("SERVICE  NAME   ADDR") && table.contains("\n5        files  "), "{table}");
    assert_eq!(world.run(&["services", "get", "5", "-o", "json"]).await.json()["topics"], json!(2));
    world.run(&["edges", "get", "9"]).await.failed(1, "not at this gateway: edge 9");
    world.run(&["edges", "get", "../services/5"]).await.failed(64, "is no id");
}

#[tokio::test]
async fn who_is_kicked_is_told_and_may_come_again() {
    let gateway = Gateway::start().await;
    let world = world(&gateway).await;
    let edge = Edge::builder(gateway.edge_url()).id(EdgeId(7)).connect().await.unwrap();
    let mut status = edge.status();
    world.run(&["edges", "kick", "7"]).await.text();
    within("it is told", async { while status.changed().await == Status::Connected {} }).await;
    let again = async || world.run(&["edges", "get", "7", "-o", "json"]).await.code.filter(|code| *code == 0);
    eventually(DEADLINE, "it comes again", again).await;
    world.run(&["services", "kick", "5"]).await.failed(1, "not at this gateway: service 5");
}
