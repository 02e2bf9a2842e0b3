//! Edges that go from one gateway to another.

use crate::world::{Frontlas, member};
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, StallProxy, eventually, replace, within};
use frontlas::{Directory, Event, NewFrontier, Presence};
use serde_json::json;
use std::time::Duration;

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
    let end = tokio::time::timeout(Duration::ZERO, edge.closed()).await;
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

/// Two programs with one id, at two gateways: they would else throw each other out for ever.
#[tokio::test]
async fn a_program_that_comes_back_elsewhere_does_not_throw_out_who_has_come_since() {
    let frontlas = Frontlas::patient();
    let gateways = [frontlas.gateway("f0").start().await, frontlas.gateway("f1").start().await];
    let (least, most) = (Duration::from_millis(20), Duration::from_millis(50));
    let first = gateways[0].edge().id(ID).backoff(least, most).connect().await.unwrap();
    frontlas.finds(ID.0, "f0").await;
    let second = gateways[1].edge().id(ID).connect().await.unwrap();
    let refused = async || gateways[0].log().find("may not displace the connection that holds its id");
    let line = eventually(DEADLINE, "the first one has come back", refused).await;
    assert!(line.contains("edge=7") && line.contains("127.0.0.1"), "{line}");
    assert_eq!(frontlas.edge(ID.0).await.as_deref(), Some("f1"));
    assert!(gateways[1].log().find("moved").is_none(), "the second one was left alone");
    // It waits for its id, and has it once that is free.
    second.close().await.unwrap();
    frontlas.finds(ID.0, "f0").await;
    drop(first);
}

/// Who shows that the id is its own takes it from whoever holds it at another gateway, and keeps it.
#[tokio::test]
async fn credentials_are_weighed_across_gateways() {
    let frontlas = Frontlas::patient();
    let hash = frontier_credentials::token::hash(&b"frt_seven"[..]).expect("a token has a hash");
    let guarded = frontlas.gateway("f1");
    let file = guarded.file("tokens.yaml");
    replace(&file, format!("- {{{}', edge_id: 7}}\n", hash.replacen("hash: ", "hash: '", 1)));
    let guarded = guarded.set("edgebound.auth.methods", json!([{"token": {"file": file}}])).start().await;
    let open = frontlas.gateway("f0").start().await;
    let thief = open.edge().id(ID).connect().await.unwrap();
    frontlas.finds(ID.0, "f0").await;
    let owner = guarded.edge().id(ID).token("frt_seven").connect().await.unwrap();
    frontlas.finds(ID.0, "f1").await;
    let refused = async || open.log().find("may not displace the connection that holds its id");
    eventually(DEADLINE, "the other one has tried again", refused).await;
    drop(thief);
    let newcomer = open.edge().id(ID).reconnect(false).connect().await.unwrap();
    within("it is closed", newcomer.closed()).await;
    assert_eq!(frontlas.edge(ID.0).await.as_deref(), Some("f1"));
    assert!(guarded.log().find("moved").is_none(), "the owner was left alone");
    drop(owner);
}
