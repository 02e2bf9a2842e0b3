//! Edges that go from one gateway to another.

use crate::world::{Frontlas, member};
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, StallProxy, eventually};
use frontlas::{Directory, Event, NewFrontier, Presence};

const ID: EdgeId = EdgeId(7);

#[tokio::test]
async fn an_edge_that_hops_is_where_it_was_last() {
    let frontlas = Frontlas::patient();
    let gateways = [frontlas.gateway("f0").start().await, frontlas.gateway("f1").start().await];
    let mut last = None;
    for round in 0..20 {
        let (here, id) = (&gateways[round % 2], format!("f{}", round % 2));
        let edge = here.edge().id(ID).reconnect(false).connect().await.unwrap();
        drop(last.replace(edge));
        frontlas.finds(ID.0, &id).await;
    }
    frontlas.has([ID.0]).await;
}

/// Its first gateway has not heard that it is gone.
#[tokio::test]
async fn what_is_left_of_an_edge_that_has_moved_is_closed() {
    let frontlas = Frontlas::patient();
    let gateways = [frontlas.gateway("f0").start().await, frontlas.gateway("f1").start().await];
    let proxy = StallProxy::to(gateways[0].edges()).await;
    let stale = proxy.edge().id(ID).reconnect(false).connect().await.unwrap();
    frontlas.finds(ID.0, "f0").await;
    proxy.blackhole();
    let edge = gateways[1].edge().id(ID).connect().await.unwrap();
    frontlas.finds(ID.0, "f1").await;
    let moved = async || gateways[0].log().find("edge has moved to another frontier");
    eventually(DEADLINE, "the first gateway hears of it", moved).await;
    // Its late end takes nothing away.
    let marker = gateways[0].edge().id(EdgeId(8)).connect().await.unwrap();
    frontlas.has([ID.0, marker.id().0]).await;
    assert_eq!(frontlas.edge(ID.0).await.as_deref(), Some("f1"));
    drop((stale, edge));
}

/// Whoever has the directory say that an edge is elsewhere, by mistake or on purpose, does not end it for good.
#[tokio::test]
async fn an_edge_that_the_directory_has_elsewhere_comes_back() {
    let frontlas = Frontlas::patient();
    let gateway = frontlas.gateway("f0").start().await;
    let edge = gateway.edge().id(ID).connect().await.unwrap();
    frontlas.finds(ID.0, "f0").await;
    let other = NewFrontier {
        id: "elsewhere".into(),
        advertised_sb_addr: "tcp://192.0.2.1:1".into(),
        advertised_eb_addr: "tcp://192.0.2.1:2".into(),
    };
    let lease = frontlas.directory.join(&other, None).await.unwrap();
    let now = frontlas.directory.time().await.unwrap();
    let taken = [Event::Online(Presence::edge(ID.0, "192.0.2.1:3", now))];
    frontlas.directory.apply(&lease, &taken).await.unwrap();
    let moved = async || gateway.log().find("edge has moved to another frontier");
    eventually(DEADLINE, "the gateway is told", moved).await;
    frontlas.finds(ID.0, "f0").await;
    let end = tokio::time::timeout(std::time::Duration::ZERO, edge.closed()).await;
    assert!(end.is_err(), "its program goes on: {end:?}");
}

/// The first gateway can't be told at once: it hears of it with its next snapshot.
#[tokio::test]
async fn a_gateway_that_was_away_hears_later_who_has_moved() {
    let frontlas = Frontlas::patient();
    let plane = StallProxy::to(frontlas.addr).await;
    let first = member("f0", &[plane.addr()]).start().await;
    let second = frontlas.gateway("f1").start().await;
    let edges = StallProxy::to(first.edges()).await;
    let stale = edges.edge().id(ID).reconnect(false).connect().await.unwrap();
    frontlas.finds(ID.0, "f0").await;
    edges.blackhole();
    plane.blackhole();
    plane.cut();
    let edge = second.edge().id(ID).connect().await.unwrap();
    frontlas.finds(ID.0, "f1").await;
    plane.cut();
    plane.heal();
    let moved = async || first.log().find("edge has moved to another frontier");
    eventually(DEADLINE, "the first gateway hears of it", moved).await;
    frontlas.has([ID.0]).await;
    assert_eq!(frontlas.edge(ID.0).await.as_deref(), Some("f1"));
    drop((stale, edge));
}
