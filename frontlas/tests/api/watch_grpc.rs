//! The watch over gRPC.

use crate::switch::State;
use crate::world::{World, config, within};
use frontier_api::cluster::change::What;
use frontier_api::cluster::watch_response::Event;
use frontier_api::cluster::{Position, Snapshot, WatchKind, WatchRequest, WatchResponse};
use frontlas::{Directory, Lifetimes};
use std::time::Duration;
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

/// A watch, read message by message.
struct Watch(Streaming<WatchResponse>);

impl Watch {
    async fn open(world: &World, after: Option<Position>, kinds: &[WatchKind]) -> Result<Self, Status> {
        let kinds = kinds.iter().map(|kind| i32::from(*kind)).collect();
        let opened = world.client().await.watch(WatchRequest { after, kinds }).await;
        Ok(Self(opened?.into_inner()))
    }

    async fn next(&mut self) -> Result<WatchResponse, Status> {
        within("a message", self.0.message()).await.map(|message| message.expect("it goes on"))
    }

    /// The whole snapshot, and where the changes go on from.
    async fn snapshot(&mut self) -> (Snapshot, Position) {
        let mut whole = Snapshot::default();
        loop {
            let message = self.next().await.unwrap();
            let Some(Event::Snapshot(part)) = message.event else { panic!("{message:?}") };
            assert_eq!(part.first, whole == Snapshot::default());
            assert_eq!(part.last, message.position.is_some());
            whole.first |= part.first;
            whole.frontiers.extend(part.frontiers);
            whole.edges.extend(part.edges);
            whole.services.extend(part.services);
            if let Some(position) = message.position {
                return (whole, position);
            }
        }
    }

    /// The next change; signs of life are passed over.
    async fn change(&mut self) -> Result<(Position, What), Status> {
        loop {
            let message = self.next().await?;
            let position = message.position.expect("what follows the snapshot has a position");
            match message.event {
                None => {}
                Some(Event::Change(change)) => return Ok((position, change.what.expect("it says what"))),
                Some(Event::Snapshot(part)) => panic!("{part:?}"),
            }
        }
    }

    async fn edge_online(&mut self) -> (Position, u64) {
        match self.change().await.unwrap() {
            (position, What::EdgeOnline(online)) => (position, online.edge.unwrap().edge_id),
            (_, other) => panic!("{other:?}"),
        }
    }
}

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
    let error = async |after| {
        Watch::open(&world, Some(after), &[]).await.err().expect("it is refused").code()
    };
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

#[tokio::test]
async fn many_watchers_hear_the_same() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    let mut watches = Vec::new();
    for _ in 0..50 {
        let mut watch = Watch::open(&world, None, &[WatchKind::Edges]).await.unwrap();
        watch.snapshot().await;
        watches.push(watch);
    }
    for ids in [1..=300, 301..=600_u64] {
        world.edges(&lease, ids.clone()).await;
        for watch in &mut watches {
            for id in ids.clone() {
                assert_eq!(watch.edge_online().await.1, id);
            }
        }
    }
}

#[tokio::test]
async fn a_watch_ends_when_the_node_does() {
    let world = World::new().await;
    let mut watch = Watch::open(&world, None, &[]).await.unwrap();
    watch.snapshot().await;
    world.stop.cancel();
    assert_eq!(watch.change().await.unwrap_err().code(), Code::Unavailable);
    drop(watch);
    within("the node ends", world.running).await.unwrap();
}

#[tokio::test]
async fn there_is_a_limit_to_watches_and_places_are_given_back() {
    let world = World::with("watchers: 2").await;
    let first = Watch::open(&world, None, &[]).await.unwrap();
    let mut second = Watch::open(&world, None, &[]).await.unwrap();
    second.snapshot().await;
    let third = Watch::open(&world, None, &[]).await.err().expect("it is one too many");
    assert_eq!(third.code(), Code::ResourceExhausted);
    assert_eq!(world.error("/cluster/v1/watch", 429).await.0, "RESOURCE_EXHAUSTED");
    drop(first);
    within("a place is given back", async {
        while Watch::open(&world, None, &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// Its changes are not collected for it: memory is bounded by the history, and it is told when that is over.
#[tokio::test]
async fn a_watcher_that_does_not_read_is_told_that_it_was_too_slow() {
    let lifetimes = Lifetimes { history: 1000, ..Lifetimes::default() };
    let world = World::build(config(""), lifetimes, |plane| plane).await;
    let lease = world.frontier("f1").await;
    let mut slow = Watch::open(&world, None, &[]).await.unwrap();
    let mut quick = Watch::open(&world, None, &[]).await.unwrap();
    slow.snapshot().await;
    quick.snapshot().await;
    // Enough to fill what lies between us, several times over.
    for round in 0..40_u64 {
        let ids = round * 500 + 1..=(round + 1) * 500;
        world.edges(&lease, ids.clone()).await;
        for id in ids {
            assert_eq!(quick.edge_online().await.1, id);
        }
    }
    let mut seen = 0;
    let error = loop {
        match timeout(Duration::from_secs(20), slow.change()).await.expect("it is told") {
            Ok(_) => seen += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(error.code(), Code::OutOfRange, "after {seen} changes: {error}");
    assert!(seen < 20_000);
}
