//! Gateways that go, and that have another address.

use crate::world::{World, knows, named, who};
use frontier_sdk::{Code, Request, Response};
use frontier_tests::{DEADLINE, Gateway, eventually, within};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

#[tokio::test]
async fn a_gateway_that_is_listed_no_longer_is_left_in_good_order() {
    let world = World::new().await;
    let (first, second) = (world.frontier("f1").await, world.frontier("f2").await);
    let edge = world.edge(1, &first).await;
    let (begun, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (begun, may_end) = (begun.clone(), may_end.clone());
        move |_: Request| {
            let (begun, may_end) = (begun.clone(), may_end.clone());
            async move {
                begun.notify_one();
                may_end.notified().await;
                Ok(Response::new("done"))
            }
        }
    };
    let service = world.service().removal_grace(Duration::ZERO).register("slow", handler).connect();
    let service = service.await.unwrap();
    knows(&service, &["f1", "f2"]).await;

    let calls = tokio::spawn({
        let edge = edge.clone();
        async move { edge.call("slow", "").await }
    });
    within("the handler runs", begun.notified()).await;
    world.leave(&first).await;
    knows(&service, &["f2"]).await;
    may_end.notify_one();
    let answer = within("an answer", calls).await.unwrap();
    assert_eq!(answer.unwrap().data, "done", "what was in flight has come to its end");
    let refused = within("an answer", edge.call("slow", "")).await.unwrap_err();
    let has_left = matches!(refused.code(), Code::MethodNotFound | Code::ServiceNotOnline);
    assert!(has_left, "{refused}");
    assert_eq!(who(&service, world.edge(2, &second).await.id()).await.unwrap(), "f2");
}

#[tokio::test]
async fn a_connection_that_stands_outlasts_an_emptied_directory() {
    let world = World::new().await;
    let first = world.frontier("f1").await;
    let (known, unknown) = (world.edge(1, &first).await, world.edge(2, &first).await);
    let service = world.service().edge_cache(1).connect().await.unwrap();
    assert_eq!(who(&service, known.id()).await.unwrap(), "f1");
    world.directory.clear();
    let is_unlisted = async || (!service.frontiers()[0].is_listed).then_some(());
    eventually(DEADLINE, "it is listed no longer", is_unlisted).await;
    for edge in [&known, &unknown] {
        assert_eq!(who(&service, edge.id()).await.unwrap(), "f1");
    }
    let offline = who(&service, frontier_sdk::EdgeId(3)).await.unwrap_err();
    assert_eq!(offline.code(), Code::EdgeNotOnline);
    world.join("f1", first.gateway.service_url(), first.gateway.edge_url()).await;
    let is_listed = async || service.frontiers()[0].is_listed.then_some(());
    eventually(DEADLINE, "it is listed again", is_listed).await;
    assert!(service.frontiers()[0].is_connected);
}

#[tokio::test]
async fn another_address_is_gone_to_before_the_old_one_is_left() {
    let world = World::new().await;
    let (old, new) = (Gateway::start().await, Gateway::start().await);
    let lease = world.join("f1", old.service_url(), old.edge_url()).await;
    let edges = [named(old.edge(), 1, "old").await, named(new.edge(), 1, "new").await];
    world.told(edges[0].id(), &lease).await;
    let service = world.connect().await;
    assert_eq!(who(&service, edges[0].id()).await.unwrap(), "old");

    let calls = tokio::spawn({
        let (service, edge) = (service.clone(), edges[0].id());
        async move {
            loop {
                // It is at both: no call may fail, nor wait for a connection.
                let answer = service.call(edge, "who", "").timeout(Duration::from_secs(5)).await;
                match answer.map(|answer| answer.data) {
                    Ok(name) if name == "old" => assert!(service.frontiers()[0].is_connected),
                    answer => break answer,
                }
            }
        }
    });
    let lease = world.join("f1", new.service_url(), new.edge_url()).await;
    world.told(edges[0].id(), &lease).await;
    assert_eq!(within("the service goes to the new one", calls).await.unwrap().unwrap(), "new");
    assert_eq!(service.frontiers()[0].address, new.service_url());
    let has_left = async || old.log().lines().iter().any(|line| line.contains("service left")).then_some(());
    eventually(DEADLINE, "the old one is left", has_left).await;
}
