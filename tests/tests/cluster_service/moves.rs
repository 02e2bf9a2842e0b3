//! Edges that move.

use crate::world::{World, knows, named, who};
use frontier_sdk::Code;
use frontier_tests::{DEADLINE, eventually, within};
use std::time::Instant;

/// The service hears of nothing by its watch: that is a minute late.
#[tokio::test]
async fn an_edge_that_has_moved_is_found_at_once() {
    let world = World::with("watch_interval: 60s").await;
    let frontiers = [world.frontier("f1").await, world.frontier("f2").await];
    let service = world.connect().await;
    knows(&service, &["f1", "f2"]).await;
    let mut edge = world.edge(1, &frontiers[0]).await;
    assert_eq!(who(&service, edge.id()).await.unwrap(), "f1");
    let start = Instant::now();
    for turn in 1..=20 {
        let to = &frontiers[turn % 2];
        within("the edge leaves", edge.close()).await.unwrap();
        edge = world.edge(1, to).await;
        assert_eq!(who(&service, edge.id()).await.unwrap(), to.lease.frontier(), "move {turn}");
        let stream = service.open_stream(edge.id()).await;
        stream.unwrap();
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "it took {:?}", start.elapsed());
    within("the edge leaves", edge.close()).await.unwrap();
    world.left(edge.id(), &frontiers[0].lease).await;
    assert_eq!(who(&service, edge.id()).await.unwrap_err().code(), Code::EdgeNotOnline);
}

#[tokio::test]
async fn the_watch_tells_of_moves() {
    let world = World::new().await;
    let frontiers = [world.frontier("f1").await, world.frontier("f2").await];
    let service = world.connect().await;
    let edge = world.edge(1, &frontiers[0]).await;
    assert_eq!(who(&service, edge.id()).await.unwrap(), "f1");
    // There are two of them: which one is asked shows where the edge is believed to be.
    let _other = named(frontiers[1].gateway.edge(), 1, "f2").await;
    world.told(edge.id(), &frontiers[1].lease).await;
    let moved = async || (who(&service, edge.id()).await.unwrap() == "f2").then_some(());
    eventually(DEADLINE, "the move is heard of", moved).await;
}
