//! Whatever becomes of frontlas, edges do not notice; and what it knows comes right again.

use crate::world::{Frontlas, member};
use frontier_sdk::{Edge, Status};
use frontier_tests::{DEADLINE, Gateway, StallProxy, answers_with, eventually, within};
use frontlas::{Directory, MemoryDirectory};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Connects edges one after the other, each of which makes a call. Had any of them to wait for frontlas,
/// whose deadlines are seconds, this would not be over in time.
async fn edges_come_and_call(gateway: &Gateway, count: usize) -> Vec<Edge> {
    let all = async {
        let service = gateway.service("s").connect().await.expect("it connects");
        answers_with(&service, "name", "s").await.expect("it registers");
        let mut edges = Vec::new();
        for _ in 0..count {
            let edge = gateway.edge().connect().await.expect("it connects");
            assert_eq!(edge.call("name", "").await.expect("an answer").data, "s");
            edges.push(edge);
        }
        edges
    };
    within("edges come and call", all).await
}

#[tokio::test]
async fn a_gateway_serves_without_frontlas_and_tells_it_once_it_is_there() {
    // A port that nobody listens on.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gateway = member("f1", &[free]).start().await;
    let edges = edges_come_and_call(&gateway, 50).await;
    let warned = async || gateway.log().find("frontlas can't be reached, the gateway goes on without");
    eventually(DEADLINE, "it says that frontlas is not there", warned).await;
    let frontlas = Frontlas::on(free, Arc::new(MemoryDirectory::new(frontlas::Lifetimes::default())));
    frontlas.has(edges.iter().map(|edge| edge.id().0)).await;
}

/// It accepts, and then never reads and never answers.
#[tokio::test]
async fn a_frontlas_that_is_stalled_from_the_start_delays_nobody() {
    let stalled = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = stalled.local_addr().unwrap();
    let holds = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(stalled.accept().await.unwrap());
        }
    });
    let gateway = member("f1", &[addr]).start().await;
    edges_come_and_call(&gateway, 200).await;
    holds.abort();
}

#[tokio::test]
async fn a_frontlas_that_stalls_later_delays_nobody() {
    let frontlas = Frontlas::patient();
    let proxy = StallProxy::to(frontlas.addr).await;
    let gateway = member("f1", &[proxy.addr()]).start().await;
    let mut edges = edges_come_and_call(&gateway, 1).await;
    frontlas.has([edges[0].id().0]).await;
    proxy.blackhole();
    edges.extend(edges_come_and_call(&gateway, 200).await);
    proxy.heal();
    frontlas.has(edges.iter().map(|edge| edge.id().0)).await;
}

#[tokio::test]
async fn a_frontlas_that_is_killed_and_started_again_learns_everything_anew() {
    let mut frontlas = Frontlas::patient();
    let gateway = frontlas.gateway("f1").start().await;
    let edges = edges_come_and_call(&gateway, 20).await;
    for _ in 0..3 {
        frontlas.has(edges.iter().map(|edge| edge.id().0)).await;
        frontlas = frontlas.restart_empty().await;
    }
    frontlas.has(edges.iter().map(|edge| edge.id().0)).await;
    assert!(edges.iter().all(|edge| edge.status().get() == Status::Connected));
}

/// As FLUSHALL does: the connections of the frontiers stand.
#[tokio::test]
async fn a_directory_that_was_emptied_is_filled_again() {
    let frontlas = Frontlas::start(Duration::from_secs(2));
    let gateways = [frontlas.gateway("f1").start().await, frontlas.gateway("f2").start().await];
    let mut edges = Vec::new();
    for gateway in &gateways {
        edges.extend(edges_come_and_call(gateway, 10).await);
    }
    let ids: Vec<u64> = edges.iter().map(|edge| edge.id().0).collect();
    frontlas.has(ids.clone()).await;
    frontlas.directory.clear();
    frontlas.has(ids.clone()).await;
    for gateway in &gateways {
        let says = async || gateway.log().find("frontlas has lost what it was told");
        eventually(DEADLINE, "it says that it was forgotten", says).await;
    }
    // It lives on: the time to live passes more than once.
    let since = frontlas.directory.time().await.unwrap();
    let later = async || (frontlas.directory.time().await.unwrap().0 > since.0 + 5_000_000).then_some(());
    eventually(DEADLINE, "time passes", later).await;
    frontlas.has(ids).await;
}

#[tokio::test]
async fn a_gateway_that_reaches_no_frontlas_for_too_long_says_that_it_is_forgotten() {
    let frontlas = Frontlas::start(Duration::from_secs(2));
    let proxy = StallProxy::to(frontlas.addr).await;
    let gateway = member("f1", &[proxy.addr()]).start().await;
    // Frontlas knows it before it has heard so itself, and who was never in has nothing to say.
    let connected = async || gateway.log().find("connected to frontlas");
    eventually(DEADLINE, "it is in", connected).await;
    frontlas.knows("f1").await;
    proxy.blackhole();
    let says = async || gateway.log().find("for as long as it remembers a gateway");
    eventually(DEADLINE, "it says so", says).await;
    assert!(frontlas.frontier("f1").await.is_none());
    proxy.heal();
    frontlas.knows("f1").await;
}

#[tokio::test]
async fn another_frontlas_is_tried_when_one_is_gone() {
    let frontlas = Frontlas::patient();
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxies = [StallProxy::to(frontlas.addr).await, StallProxy::to(frontlas.addr).await];
    let addrs: Vec<SocketAddr> = proxies.iter().map(StallProxy::addr).chain([dead]).collect();
    let gateway = member("f1", &addrs).start().await;
    let edges = edges_come_and_call(&gateway, 1).await;
    frontlas.has([edges[0].id().0]).await;
    for round in 0..6 {
        proxies.iter().for_each(StallProxy::cut);
        let edge = gateway.edge().connect().await.unwrap();
        frontlas.has([edges[0].id().0, edge.id().0]).await;
        edge.close().await.unwrap();
        frontlas.has([edges[0].id().0]).await;
        assert!(frontlas.frontier("f1").await.is_some(), "round {round}");
    }
}
