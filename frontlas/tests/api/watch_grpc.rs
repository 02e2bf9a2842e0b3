//! The watch over gRPC: what it tells.

use crate::switch::State;
use crate::watch::Watch;
use crate::world::{World, config, within};
use frontier_api::cluster::change::What;
use frontier_api::cluster::{Position, Snapshot, WatchKind};
use frontlas::{Directory, Lifetimes};
use tonic::Code;

#[tokio::test]
async fn a_snapshot_comes_first_and_then_numbered_changes() {
    let world = World::new().await;
    let first = world.frontier("f1").await;
    world.edges(&first, 1..=2500).await;
    world.service(&first, 9, "files").await;
    let mut watch = Watch::open(&world, None, &[]).await.unwrap();
    let (snapshot, start) = watch.snapshot().await;
    assert_eq!(snapshot.frontiers.len(), 1);
    assert_eq!(snapshot.edges.iter().map(|edge| edge.edge_id).collect::<Vec<_>>(), Vec::from_iter(1..=2500));
    assert_eq!(snapshot.services[0].service, "files");

    let second = world.frontier("f2").await;
    world.edges(&second, [2500]).await;
    world.edge_leaves(&second, 2500).await;
    world.service(&second, 10, "chat").await;
    world.directory.leave(&first).await.unwrap();
    let mut told = Vec::new();
    for number in start.number + 1..=start.number + 5 {
        let (position, what) = watch.change().await.unwrap();
        assert_eq!(position, Position { history: start.history, number });
        told.push(what);
    }
    let [
        What::FrontierOnline(came),
        What::EdgeOnline(moved),
        What::EdgeOffline(left),
        What::ServiceOnline(service),
        What::FrontierOffline(gone),
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((came.frontier_id.as_str(), came.advertised_eb_addr.as_str()), ("f2", "f2:30012"));
    let edge = moved.edge.as_ref().unwrap();
    assert_eq!((edge.edge_id, edge.frontier_id.as_str()), (2500, "f2"));
    assert_eq!(moved.former_frontier_id, "f1");
    assert_eq!((left.edge_id, left.frontier_id.as_str(), left.stamp), (2500, "f2", edge.stamp));
    assert_eq!(service.service.as_ref().unwrap().service_id, 10);
    assert_eq!(gone.frontier_id, "f1");
}

#[tokio::test]
async fn an_empty_cluster_has_a_snapshot_of_one_part() {
    let world = World::new().await;
    let mut watch = Watch::open(&world, None, &[]).await.unwrap();
    let (snapshot, _) = watch.snapshot().await;
    assert_eq!(snapshot, Snapshot { first: true, ..Snapshot::default() });
    let lease = world.frontier("f1").await;
    world.edges(&lease, [1]).await;
    assert!(matches!(watch.change().await.unwrap().1, What::FrontierOnline(_)));
    assert_eq!(watch.edge_online().await.1, 1);
}

#[tokio::test]
async fn a_watch_goes_on_where_another_has_ended() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    let mut watch = Watch::open(&world, None, &[]).await.unwrap();
    watch.snapshot().await;
    world.edges(&lease, 1..=10).await;
    for id in 1..=4 {
        assert_eq!(watch.edge_online().await.1, id);
    }
    let (position, last) = watch.edge_online().await;
    drop(watch);
    world.edges(&lease, 11..=20).await;
    let mut watch = Watch::open(&world, Some(position), &[]).await.unwrap();
    for id in last + 1..=20 {
        assert_eq!(watch.edge_online().await.1, id);
    }
    world.edges(&lease, [21]).await;
    assert_eq!(watch.edge_online().await.1, 21);
}

#[tokio::test]
async fn a_position_that_is_not_in_the_history_is_out_of_range() {
    let lifetimes = Lifetimes { history: 10, ..Lifetimes::default() };
    let world = World::build(config(""), lifetimes, |plane| plane).await;
    let lease = world.frontier("f1").await;
    let (_, old) = Watch::open(&world, None, &[]).await.unwrap().snapshot().await;
    world.edges(&lease, 1..=11).await;
    let error =
        async |after| Watch::open(&world, Some(after), &[]).await.err().expect("it is refused").code();
    assert_eq!(error(old).await, Code::OutOfRange);
    assert_eq!(error(Position { number: old.number + 1000, ..old }).await, Code::OutOfRange);
    assert_eq!(error(Position { history: old.history ^ 1, ..old }).await, Code::OutOfRange);
    Watch::open(&world, Some(Position { number: old.number + 1, ..old }), &[]).await.expect("it is there");
}

#[tokio::test]
async fn a_watch_ends_with_an_error_when_the_history_is_another() {
    let world = World::new().await;
    let mut watch = Watch::open(&world, None, &[]).await.unwrap();
    watch.snapshot().await;
    world.directory.inner.clear();
    assert_eq!(watch.change().await.unwrap_err().code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_watch_ends_when_the_directory_fails_and_can_go_on_later() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    let mut watches = Vec::new();
    for _ in 0..5 {
        let mut watch = Watch::open(&world, None, &[]).await.unwrap();
        let (_, position) = watch.snapshot().await;
        watches.push((watch, position));
    }
    world.directory.set(State::Fails);
    let mut last = None;
    for (mut watch, position) in watches {
        assert_eq!(watch.change().await.unwrap_err().code(), Code::Unavailable);
        last = Some(position);
    }
    assert_eq!(Watch::open(&world, last, &[]).await.err().unwrap().code(), Code::Unavailable);
    world.directory.set(State::Answers);
    world.edges(&lease, [5]).await;
    assert_eq!(Watch::open(&world, last, &[]).await.unwrap().edge_online().await.1, 5);
}

#[tokio::test]
async fn a_watch_of_some_kinds_hears_of_no_others_and_keeps_its_position() {
    let world = World::with("keepalive: 200ms").await;
    let lease = world.frontier("f1").await;
    world.edges(&lease, [1]).await;
    world.service(&lease, 9, "files").await;
    let mut watch = Watch::open(&world, None, &[WatchKind::Services]).await.unwrap();
    let (snapshot, start) = watch.snapshot().await;
    assert_eq!((snapshot.frontiers.len(), snapshot.edges.len(), snapshot.services.len()), (0, 0, 1));
    world.edges(&lease, 2..=100).await;
    // What it does not hear of moves it on all the same, so that it can go on from there.
    let alive = within("a sign of life", async {
        loop {
            let message = watch.next().await.unwrap();
            assert_eq!(message.event, None);
            if message.position.unwrap().number == start.number + 99 {
                return message.position;
            }
        }
    });
    let position = alive.await;
    world.service(&lease, 10, "chat").await;
    let (next, _) = watch.change().await.unwrap();
    assert_eq!(next.number, position.unwrap().number + 1);
}
