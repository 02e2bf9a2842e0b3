//! Edges that find their gateway through frontlas.

use crate::world::{World, named};
use frontier_sdk::{Builder, Edge, EdgeId, Response, Status};
use frontier_tests::{DEADLINE, Gateway, echo, within};
use frontlas::{Directory, NewFrontier};
use std::net::{SocketAddr, TcpListener};
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

#[tokio::test]
async fn an_edge_that_finds_no_gateway_is_told_why() {
    let connect = |addr: SocketAddr, time| {
        let edge = Edge::builder(format!("frontlas://{addr}")).connect_timeout(time);
        let edge = edge.backoff(Duration::from_millis(10), Duration::from_millis(100));
        async move { within("an error", edge.connect()).await.unwrap_err().to_string() }
    };
    let time = Duration::from_secs(2);
    let mut world = World::new().await;
    let nobody = connect(world.addr, time).await;
    assert!(nobody.ends_with("frontlas lists no gateway"), "{nobody}");
    let odd = NewFrontier {
        id: "odd".into(),
        advertised_sb_addr: String::new(),
        advertised_eb_addr: "nowhere".into(),
    };
    world.directory.join(&odd, None).await.unwrap();
    let unreadable = connect(world.addr, time).await;
    assert!(unreadable.contains("such as odd, which advertises `tcp://nowhere`"), "{unreadable}");
    world.close().await;
    let away = connect(world.addr, time).await;
    assert!(away.contains(&format!("frontlas: http://{}", world.addr)), "{away}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap();
    let unanswered = connect(addr, Duration::from_millis(300)).await;
    assert!(unanswered.contains(&format!("frontlas has not answered yet: http://{addr}")), "{unanswered}");
}
