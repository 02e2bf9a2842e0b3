//! A gateway that drains is not offered to anyone, and knows where its edges can go.

use crate::fleet::Fleet;
use crate::world::{World, patient};
use frontier_sdk::{EdgeId, Request, Response};
use frontier_tests::{DEADLINE, eventually, within};
use frontlas::Directory;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_listed_as_draining_and_chosen_by_nobody_while_it_still_serves() {
    let world = World::start("{interval: 1s}").await;
    let mut first = world.gateway("f1").start().await;
    let service = world.service().await;
    // It stays to the end: it has something to do, and does not go elsewhere.
    let (goes_on, waits) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ends, begins) = (goes_on.clone(), waits.clone());
    let stays = patient(first.edge()).id(EdgeId(1)).reconnect(false).register("wait", move |_: Request| {
        let (ends, begins) = (ends.clone(), begins.clone());
        async move {
            begins.notify_one();
            ends.notified().await;
            Ok(Response::new("done"))
        }
    });
    let stays = stays.connect().await.unwrap();
    let is_known = async || (world.loads().await == [1]).then_some(());
    eventually(DEADLINE, "the edge is known", is_known).await;
    let asking = service.clone();
    let waiting =
        tokio::spawn(async move { asking.call(stays.id(), "wait", "").timeout(4 * DEADLINE).await });
    within("the call arrives", waits.notified()).await;
    let _second = world.gateway("f2").start().await;
    world.is_at(&service, &["f1", "f2"]).await;

    first.terminate();
    let drains = async || world.frontiers().await.iter().any(|it| it.id == "f1" && it.draining).then_some(());
    eventually(DEADLINE, "it is listed as draining", drains).await;
    // By number of edges f1 would be the better one.
    let others = Fleet::connect(20, |number| world.edge().id(EdgeId(10 + number))).await;
    let is_counted = async || (world.loads().await == [1, 20]).then_some(());
    eventually(DEADLINE, "all are at the other one", is_counted).await;
    others.answers(&service).await;
    assert_eq!(service.call(EdgeId(1), "echo", "x").timeout(DEADLINE).await.unwrap().data, "x");
    let latecomer = world.service().await;
    world.is_at(&latecomer, &["f2"]).await;
    assert!(latecomer.frontiers().iter().all(|it| it.id != "f1" || !it.is_connected));
    let listed = world.frontiers().await;
    assert_eq!(
        listed.iter().map(|it| (it.edge_count, it.draining)).collect::<Vec<_>>(),
        [(1, true), (20, false)]
    );
    goes_on.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap().data, "done");
    assert_eq!(first.process().exit().await, Some(0));
}

/// They were built with the address of one gateway, and nothing is said in the configuration.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_and_services_go_to_the_others_of_the_cluster_each_to_where_there_is_room() {
    const EDGES: u64 = 90;
    let world = World::start("{enable: false, interval: 500ms, settle: 0s}").await;
    let mut first = world.gateway("f1").set("log.level", "info,frontier=debug").start().await;
    let (second, third) = (world.gateway("f2").start().await, world.gateway("f3").start().await);
    let service = world.service().await;
    world.is_at(&service, &["f1", "f2", "f3"]).await;
    let single = first.service("single").connect().await.unwrap();
    let fleet = Fleet::connect(EDGES, |number| {
        patient(first.edge()).id(EdgeId(1 + number)).connect_timeout(DEADLINE)
    })
    .await;
    let _there = Fleet::connect(30, |number| patient(second.edge()).id(EdgeId(500 + number))).await;
    let calls = fleet.calls(&service, Duration::from_secs(1));
    calls.go_on(100).await;
    // It has heard of the others, and of how many edges they have.
    let knows = async || first.log().find("edges=[0, 30]");
    eventually(DEADLINE, "it is told of the others", knows).await;
    first.terminate();
    let is_over = async || (!first.process().is_running()).then_some(());
    eventually(4 * DEADLINE, "the gateway exits", is_over).await;
    assert_eq!(first.log().find("edges that stay"), None);
    calls.go_on(100).await;
    calls.stop().await;
    assert_eq!(world.loads().await, [60, 60]);
    fleet.answers(&service).await;
    let moved = async || {
        let services = world.directory.services(0, 10).await.unwrap().items;
        services.into_iter().find(|it| it.service == "single" && it.frontier_id != "f1")
    };
    eventually(DEADLINE, "the service with one connection has another one", moved).await;
    drop((single, third));
}
