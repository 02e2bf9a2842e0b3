//! Which gateway is which.

use crate::world::{Frontlas, member};
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, Gateway, StallProxy, eventually};
use frontlas::{Directory, Incarnation, NewFrontier};

/// No time to live is waited for: it is an hour.
#[tokio::test]
async fn a_gateway_that_was_killed_may_come_again_at_once_with_the_same_id() {
    let frontlas = Frontlas::patient();
    let mut gateway = frontlas.gateway("f1").start().await;
    let stays = gateway.edge().id(EdgeId(1)).connect().await.unwrap();
    let goes = gateway.edge().id(EdgeId(2)).reconnect(false).connect().await.unwrap();
    frontlas.has([1, 2]).await;
    for _ in 0..3 {
        gateway.restart().await;
        frontlas.has([1]).await;
        assert_eq!(frontlas.edge(1).await.as_deref(), Some("f1"));
    }
    drop((stays, goes));
}

#[tokio::test]
async fn of_two_gateways_with_one_id_the_later_one_counts_and_the_other_says_so() {
    let frontlas = Frontlas::patient();
    let first = frontlas.gateway("same").start().await;
    let edge = first.edge().connect().await.unwrap();
    frontlas.has([edge.id().0]).await;
    let second = frontlas.gateway("same").start().await;
    let says = async || first.log().find("another gateway has the same id");
    eventually(DEADLINE, "the first one says so", says).await;
    assert_eq!(frontlas.knows("same").await.advertised_eb_addr, second.edge_url());
    // Its edges are served as before.
    first.edge().connect().await.unwrap();
    frontlas.has([]).await;
}

/// The store has lost what it gave out, as a failover may, and knows of an earlier process.
#[tokio::test]
async fn a_gateway_whose_incarnation_is_known_no_more_joins_anew() {
    let frontlas = Frontlas::patient();
    let plane = StallProxy::to(frontlas.addr).await;
    let gateway = member("f1", &[plane.addr()]).start().await;
    let edge = gateway.edge().id(EdgeId(1)).connect().await.unwrap();
    frontlas.has([1]).await;
    // Nothing gets through any more, so the node that has vouched for it hears of no loss.
    plane.blackhole();
    plane.cut();
    frontlas.directory.clear();
    let earlier = NewFrontier {
        id: "f1".into(),
        advertised_sb_addr: "tcp://192.0.2.1:1".into(),
        advertised_eb_addr: "tcp://192.0.2.1:2".into(),
    };
    frontlas.directory.join(&earlier, Some(Incarnation(5))).await.unwrap();
    plane.cut();
    plane.heal();
    frontlas.has([1]).await;
    assert_eq!(frontlas.edge(1).await.as_deref(), Some("f1"));
    gateway.log().line("does not know this process any more").await;
    drop(edge);
}

#[tokio::test]
async fn without_an_id_it_is_the_host_and_the_port() {
    let frontlas = Frontlas::patient();
    let gateways = [frontlas.gateway("").start().await, frontlas.gateway("").start().await];
    let both = async || {
        let frontiers = frontlas.directory.frontiers().await.unwrap();
        (frontiers.len() == 2).then_some(frontiers)
    };
    for frontier in eventually(DEADLINE, "both are known", both).await {
        let port = frontier.id.rsplit_once('-').expect("a port").1.to_owned();
        assert!(gateways.iter().any(|gateway| gateway.edges().port().to_string() == port), "{port}");
    }
}

#[tokio::test]
async fn an_address_that_nobody_can_dial_is_no_start() {
    let builder = || member("f1", &["127.0.0.1:1".parse().unwrap()]);
    for (path, value, expected) in [
        ("edgebound.listen.addr", "0.0.0.0:0", "edgebound.listen.advertised_addr: must be set"),
        ("servicebound.listen.advertised_addr", "0.0.0.0:30011", "nobody can dial tcp://0.0.0.0:30011"),
        ("edgebound.listen.advertised_addr", "gw", "edgebound.listen.advertised_addr: "),
    ] {
        let (code, lines) = builder().set(path, value).fail().await;
        assert_eq!(code, Some(64), "trying again mends it never");
        assert!(lines.iter().any(|line| line.contains(expected)), "{path}: {lines:?}");
    }
}

#[tokio::test]
async fn what_is_advertised_is_what_is_told() {
    let frontlas = Frontlas::patient();
    let gateway: Gateway = frontlas
        .gateway("f1")
        .set("edgebound.listen.addr", "0.0.0.0:0")
        .set("edgebound.listen.advertised_addr", "wss://gw.example/edges")
        .start()
        .await;
    assert_eq!(frontlas.knows("f1").await.advertised_eb_addr, "wss://gw.example/edges");
    drop(gateway);
}
