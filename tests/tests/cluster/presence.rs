//! Who is connected is told, all of it and in order.

use crate::world::{Frontlas, member};
use frontier_sdk::{Edge, EdgeId};
use frontier_tests::{DEADLINE, StallProxy, eventually, within};
use frontlas::{Directory, Kind};

#[tokio::test]
async fn edges_and_services_are_known_from_when_they_come_to_when_they_go() {
    let frontlas = Frontlas::patient();
    let gateway = frontlas.gateway("f1").start().await;
    let frontier = frontlas.knows("f1").await;
    assert_eq!(frontier.advertised_eb_addr, gateway.edge_url());
    assert_eq!(frontier.advertised_sb_addr, gateway.service_url());
    let service = gateway.service("größe").connect().await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    frontlas.has([edge.id().0]).await;
    let known = frontlas.directory.edges_by_id(&[edge.id().0]).await.unwrap().pop().flatten().unwrap();
    assert!(known.addr.starts_with("127."), "{}", known.addr);
    let services = async || frontlas.directory.services(0, 10).await.unwrap().items.pop();
    let known = eventually(DEADLINE, "the service is known", services).await;
    assert_eq!((known.service.as_str(), known.frontier_id.as_str()), ("größe", "f1"));
    let frontier = frontlas.knows("f1").await;
    assert_eq!((frontier.edge_count, frontier.service_count), (1, 1));
    edge.close().await.unwrap();
    service.close().await.unwrap();
    frontlas.has([]).await;
    let none = async || (frontlas.directory.count(Kind::Service).await.unwrap() == 0).then_some(());
    eventually(DEADLINE, "the service is gone", none).await;
}

#[tokio::test]
async fn an_edge_that_comes_and_goes_often_is_known_as_it_is_at_last() {
    let frontlas = Frontlas::patient();
    let gateway = frontlas.gateway("f1").start().await;
    for round in 0..50 {
        let edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
        if round % 2 == 0 {
            edge.close().await.unwrap();
        }
    }
    let last = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    frontlas.has([7]).await;
    last.close().await.unwrap();
    frontlas.has([]).await;
}

#[tokio::test]
async fn what_changes_while_the_connection_is_lost_is_made_up_for() {
    let frontlas = Frontlas::patient();
    let proxy = StallProxy::to(frontlas.addr).await;
    let gateway = member("f1", &[proxy.addr()]).start().await;
    let mut edges = Vec::new();
    for id in 1..=40 {
        edges.push(gateway.edge().id(EdgeId(id)).connect().await.unwrap());
    }
    frontlas.has(1..=40).await;
    proxy.blackhole();
    for edge in edges.drain(..20) {
        edge.close().await.unwrap();
    }
    for id in 41..=60 {
        edges.push(gateway.edge().id(EdgeId(id)).connect().await.unwrap());
    }
    // The connection with what is on its way goes, and another one is made.
    proxy.cut();
    proxy.heal();
    frontlas.has(21..=60).await;
    assert_eq!(frontlas.knows("f1").await.edge_count, 40);
    assert!(edges.iter().all(is_connected));
}

/// More than fits one report.
#[tokio::test]
async fn a_large_snapshot_comes_in_parts() {
    let frontlas = Frontlas::patient();
    let gateway = member("f1", &[frontlas.addr]).set("limits.connections", 2000).start().await;
    frontlas.knows("f1").await;
    let mut edges = Vec::new();
    for _ in 0..15 {
        let connect = (0..50).map(|_| tokio::spawn(gateway.edge().connect()));
        let connecting: Vec<_> = connect.collect();
        for edge in connecting {
            edges.push(within("an edge connects", edge).await.unwrap().unwrap());
        }
    }
    let ids: Vec<u64> = edges.iter().map(|edge| edge.id().0).collect();
    frontlas.has(ids.clone()).await;
    let frontlas = frontlas.restart_empty().await;
    frontlas.has(ids).await;
}

#[tokio::test]
async fn a_gateway_that_stops_leaves_at_once() {
    let frontlas = Frontlas::patient();
    let mut gateway = frontlas.gateway("f1").set("daemon.grace", "0s").start().await;
    let edge = gateway.edge().reconnect(false).connect().await.unwrap();
    frontlas.has([edge.id().0]).await;
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    frontlas.has([]).await;
    assert!(frontlas.frontier("f1").await.is_none());
}

fn is_connected(edge: &Edge) -> bool {
    edge.status().get() == frontier_sdk::Status::Connected
}
