//! Without forwarding edges reach the services of their own gateway: they stay, or go where there are the same.

use crate::fleet::Fleet;
use crate::world::{World, echo, patient};
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, eventually};
use frontlas::{Change, Changes, Directory};
use std::time::Duration;

const EDGES: u64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_go_only_to_where_the_services_that_they_reach_are_too() {
    let world = World::start("{interval: 100ms, settle: 0s}").await;
    let mut first = world.gateway("f1").start().await;
    let (second, third) = (world.gateway("f2").start().await, world.gateway("f3").start().await);
    let _files = first.service("files").register("echo", echo).connect().await.unwrap();
    let _mail = second.service("mail").register("send", echo).connect().await.unwrap();
    let names = async || world.frontiers().await.into_iter().map(|it| it.service_names).collect::<Vec<_>>();
    let are_known = async || (names().await == [vec!["files"], vec!["mail"], vec![]]).then_some(());
    eventually(DEADLINE, "the names are known", are_known).await;
    let before = world.position().await;
    let fleet =
        Fleet::connect(EDGES, |number| patient(first.edge()).id(EdgeId(1 + number)).call_timeout(DEADLINE))
            .await;
    let calls = fleet.calls_up(Duration::from_millis(500));
    let are_there = async || (world.loads().await == [EDGES, 0, 0]).then_some(());
    eventually(DEADLINE, "all are at the first", are_there).await;
    // By their numbers of edges both others would take some. Only one gets the same services.
    let _more = third.service("files").register("echo", echo).connect().await.unwrap();
    let are_shared = async || {
        let loads = world.loads().await;
        (loads.iter().sum::<u64>() == EDGES && loads[0].abs_diff(loads[2]) <= 5).then_some(())
    };
    eventually(2 * DEADLINE, "the edges are shared", are_shared).await;
    first.terminate();
    let have_left = async || (world.loads().await == [0, EDGES]).then_some(());
    eventually(4 * DEADLINE, "all have left the first", have_left).await;
    assert_eq!(first.process().exit().await, Some(0));
    calls.stop().await;
    let Changes::Since(changes) = world.directory.changes(before, 1000).await.unwrap() else {
        panic!("the history is too short");
    };
    let at_second = changes
        .iter()
        .filter(|it| matches!(&it.change, Change::EdgeOnline { edge, .. } if edge.frontier_id == "f2"));
    assert_eq!(at_second.count(), 0, "there they reach nobody");
}

/// An edge that asks frontlas where to go, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_tries_first_where_all_services_are() {
    let world = World::start("{enable: false}").await;
    let (first, second) = (world.gateway("f1").start().await, world.gateway("f2").start().await);
    let _files = first.service("files").register("echo", echo).connect().await.unwrap();
    let _too = second.service("files").register("echo", echo).connect().await.unwrap();
    let _mail = second.service("mail").register("send", echo).connect().await.unwrap();
    let are_known = async || {
        let names: Vec<_> = world.frontiers().await.into_iter().map(|it| it.service_names).collect();
        (names == [vec!["files"], vec!["files", "mail"]]).then_some(())
    };
    eventually(DEADLINE, "the names are known", are_known).await;
    let fleet = Fleet::connect(20, |number| world.edge().id(EdgeId(1 + number))).await;
    let are_there = async || (world.loads().await == [0, 20]).then_some(());
    eventually(DEADLINE, "all are at the second", are_there).await;
    fleet.calls_up(Duration::from_millis(100)).stop().await;
}
