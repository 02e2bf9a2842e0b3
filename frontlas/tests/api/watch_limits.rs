//! Watches: many of them, too many, and slow ones.

use crate::watch::Watch;
use crate::world::{World, config, within};
use frontier_api::cluster::WatchKind;
use frontlas::Lifetimes;
use std::time::Duration;
use tonic::Code;

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
    let mut slow = Watch::narrow(&world).await;
    let mut quick = Watch::open(&world, None, &[]).await.unwrap();
    slow.snapshot().await;
    quick.snapshot().await;
    let all = 20_000;
    for round in 0..all / 500 {
        let ids = round * 500 + 1..=(round + 1) * 500;
        world.edges(&lease, ids.clone()).await;
        for id in ids {
            assert_eq!(quick.edge_online().await.1, id);
        }
    }
    let mut seen = 0;
    let error = loop {
        match slow.change().await {
            Ok(_) => seen += 1,
            Err(status) => break status,
        }
        assert!(seen < all, "everything was kept for it");
    };
    assert_eq!(error.code(), Code::OutOfRange, "after {seen} changes: {error}");
}

#[tokio::test]
async fn a_watch_that_is_not_read_for_long_gives_its_place_back() {
    let world = World::with("watchers: 1, slow_peer_timeout: 500ms").await;
    let lease = world.frontier("f1").await;
    let mut slow = Watch::narrow(&world).await;
    slow.snapshot().await;
    within("its place is free", async {
        for round in 0_u64.. {
            world.edges(&lease, round * 500..(round + 1) * 500).await;
            if Watch::open(&world, None, &[]).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let error = within("it is told", async {
        loop {
            if let Err(status) = slow.change().await {
                break status;
            }
        }
    });
    assert_eq!(error.await.code(), Code::ResourceExhausted);
}
