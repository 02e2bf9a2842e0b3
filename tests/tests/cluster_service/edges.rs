//! Edges that find their gateway through frontlas.

use crate::world::{World, named};
use frontier_sdk::{Builder, Edge, EdgeId, Response, Status};
use frontier_tests::{DEADLINE, Gateway, echo, within};
use std::time::Duration;

fn edge(world: &World) -> Builder<Edge> {
    Edge::builder(format!("frontlas://{}", world.addr))
        .backoff(Duration::from_millis(10), Duration::from_millis(100))
        .call_timeout(DEADLINE)
}

/// Registers the method `here` at a gateway.
async fn mark(gateway: &Gateway) -> frontier_sdk::Service {
    let service = gateway.service("here").connect().await.expect("a service connects");
    echo(&service, "here").await.expect("a method is registered");
    service
}

#[tokio::test]
async fn the_gateway_with_fewer_edges_is_chosen() {
    let world = World::new().await;
    let (full, free) = (world.frontier("full").await, world.frontier("free").await);
    for id in 1..=5 {
        world.told(EdgeId(id), &full.lease).await;
    }
    let _here = mark(&free.gateway).await;
    for id in 11..=13 {
        let edge = named(edge(&world), id, "edge").await;
        within("an answer", edge.call("here", "")).await.unwrap();
    }
}

#[tokio::test]
async fn an_edge_goes_elsewhere_after_a_loss_and_keeps_its_id_with_frontlas_and_without() {
    let mut world = World::new().await;
    let mut first = world.frontier("f1").await;
    let edge = within("the edge connects", edge(&world).connect()).await.unwrap();
    let id = edge.id();
    let mut second = world.frontier("f2").await;
    let _here = mark(&second.gateway).await;
    first.gateway.kill().await;
    within("an answer", edge.call("here", "")).await.unwrap();
    assert_eq!(edge.id(), id);

    world.close().await;
    second.gateway.restart().await;
    let _here = mark(&second.gateway).await;
    within("an answer", edge.call("here", "")).await.unwrap();
    assert_eq!((edge.id(), edge.status().get()), (id, Status::Connected));
}

#[tokio::test]
async fn a_gateway_that_the_user_names_stands_in_where_frontlas_is_away() {
    let mut world = World::new().await;
    world.close().await;
    let gateway = Gateway::start().await;
    let service = gateway.service("x").connect().await.unwrap();
    service.register("here", |_| async { Ok(Response::default()) }).await.unwrap();
    let edge = within("the edge connects", edge(&world).url(gateway.edge_url()).connect()).await.unwrap();
    within("an answer", edge.call("here", "")).await.unwrap();

    let alone = Edge::builder(format!("frontlas://{}", world.addr));
    let alone = alone.connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", alone).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let wrong = Edge::builder("frontlas://").connect().await.unwrap_err();
    assert!(wrong.to_string().starts_with("`frontlas://` names no frontlas"), "{wrong}");
}
