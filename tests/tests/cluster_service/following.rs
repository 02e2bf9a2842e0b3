//! Gateways that go, and that have another address.

use crate::world::{World, knows, who};
use frontier_sdk::{Code, Request, Response};
use frontier_tests::{StallProxy, within};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    assert_eq!(refused.code(), Code::MethodNotFound, "the service has left there");
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
    frontier_tests::eventually(frontier_tests::DEADLINE, "it is listed no longer", is_unlisted).await;
    for edge in [&known, &unknown] {
        assert_eq!(who(&service, edge.id()).await.unwrap(), "f1");
    }
    let offline = who(&service, frontier_sdk::EdgeId(3)).await.unwrap_err();
    assert_eq!(offline.code(), Code::EdgeNotOnline);
    world.join("f1", first.gateway.service_url(), first.gateway.edge_url()).await;
    let is_listed = async || service.frontiers()[0].is_listed.then_some(());
    frontier_tests::eventually(frontier_tests::DEADLINE, "it is listed again", is_listed).await;
    assert!(service.frontiers()[0].is_connected);
}

#[tokio::test]
async fn another_address_is_gone_to_without_a_failed_call() {
    let world = World::new().await;
    let first = world.frontier("f1").await;
    // The same id at the same gateway: the new connection takes over there. So the new address is another
    // gateway, as after a move.
    let proxy = StallProxy::to(first.gateway.services()).await;
    let lease = world.join("f1", proxy.url(), first.gateway.edge_url()).await;
    let edge = world.edge(1, &first).await;
    world.told(edge.id(), &lease).await;
    let service = world.connect().await;
    knows(&service, &["f1"]).await;
    assert_eq!(service.frontiers()[0].address, proxy.url());

    let stop = Arc::new(AtomicBool::new(false));
    let calls = tokio::spawn({
        let (service, edge, stop) = (service.clone(), edge.id(), stop.clone());
        async move {
            let mut failed = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                failed.extend(who(&service, edge).await.err());
            }
            failed
        }
    });
    let other = frontier_tests::Gateway::start().await;
    world.join("f1", other.service_url(), other.edge_url()).await;
    let (service, address) = (&service, other.service_url());
    let edge = crate::world::named(other.edge(), 2, "other").await;
    let is_there = async || {
        let frontier = service.frontiers().remove(0);
        let answers =
            frontier.address == address && within("", service.publish(edge.id(), "").unacked()).await.is_ok();
        answers.then_some(())
    };
    frontier_tests::eventually(frontier_tests::DEADLINE, "it goes to the other address", is_there).await;
    stop.store(true, Ordering::Relaxed);
    let failed = calls.await.unwrap();
    assert!(failed.iter().all(|error| error.code() == Code::EdgeNotOnline), "{failed:?}");
}
