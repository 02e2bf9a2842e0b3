//! What happens to a frontier that is silent for its time to live, and to its edges.

use crate::view::View;
use crate::world::{Node, World, counts, frontier, place};
use frontlas::{DirectoryError, Presence, Verdict};
use std::time::Duration;

/// Long enough for a busy machine to do a few operations in it.
const TTL: Duration = Duration::from_millis(2500);

pub(crate) async fn a_silent_frontier_is_in_no_answer(world: World) {
    let world = world.living(TTL);
    let directory = world.replica();
    let (silent, other) = (Node::join(&directory, "silent").await, Node::join(&directory, "other").await);
    silent.connect(1).await;
    let service = Presence::service(2, "s", "", silent.now().await);
    assert_eq!(silent.online(&service).await, Verdict::Applied);
    world
        .eventually("the frontier lapses", async || {
            directory.refresh(&other.lease).await.unwrap();
            (directory.frontiers().await.unwrap().len() == 1).then_some(())
        })
        .await;
    assert_eq!(directory.frontiers_by_id(&["silent".into()]).await.unwrap(), [None]);
    assert_eq!(place(&directory, 1).await, None);
    assert_eq!(directory.services_by_id(&[2]).await.unwrap(), [None]);
    assert_eq!(counts(&directory).await, [("other".into(), 0, 0)]);
    assert_eq!(directory.refresh(&silent.lease).await, Err(DirectoryError::Lost));
    assert_eq!(directory.apply(&silent.lease, &[]).await, Err(DirectoryError::Lost));
}

pub(crate) async fn refreshed_it_stays_with_all_that_is_on_it(world: World) {
    // A busy machine may stop for a while between two refreshes.
    let alive = 2 * TTL;
    let world = world.living(alive);
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let stamp = a.now().await;
    // More than one refresh does at a time.
    let many: Vec<_> = (0..1200).map(|id| frontlas::Event::Online(Presence::edge(id, "", stamp))).collect();
    a.apply(&many).await;
    let ids: Vec<u64> = (0..1200).collect();
    for _ in 0..15 {
        directory.refresh(&a.lease).await.unwrap();
        world.pass(alive / 12).await;
        let found = directory.frontiers_by_edge(&ids).await.unwrap();
        assert!(found.iter().all(Option::is_some));
        assert_eq!(directory.frontiers().await.unwrap()[0].edge_count, 1200);
        assert_eq!(directory.sweep().await.unwrap(), 0);
    }
}

pub(crate) async fn an_edge_of_a_dead_frontier_is_at_once_taken_elsewhere(world: World) {
    let world = world.living(TTL);
    let directory = world.replica();
    let dead = Node::join(&directory, "dead").await;
    dead.connect(1).await;
    world
        .eventually("it lapses", async || directory.frontiers().await.unwrap().is_empty().then_some(()))
        .await;
    let b = Node::join(&directory, "b").await;
    b.connect(1).await;
    assert_eq!(place(&directory, 1).await.as_deref(), Some("b"));
    assert_eq!(counts(&directory).await, [("b".into(), 1, 0)]);
    directory.sweep().await.unwrap();
    assert_eq!(counts(&directory).await, [("b".into(), 1, 0)]);
}

pub(crate) async fn after_a_lapse_nothing_comes_back_by_itself(world: World) {
    let world = world.living(TTL);
    let directory = world.replica();
    let node = Node::join(&directory, "a").await;
    let (stays, left) = (node.connect(1).await, node.connect(2).await);
    world
        .eventually("it lapses", async || directory.frontiers().await.unwrap().is_empty().then_some(()))
        .await;
    // Without a sweep in between.
    let lease = directory.join(&frontier("a"), Some(node.lease.incarnation())).await.unwrap();
    let node = Node { directory: directory.clone(), lease };
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0)]);
    assert_eq!(node.offline(&left).await, Verdict::Unchanged);
    assert_eq!(node.resync(&[stays]).await, [Verdict::Applied]);
    assert_eq!(place(&directory, 1).await.as_deref(), Some("a"));
    assert_eq!(place(&directory, 2).await, None);
    assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
}

pub(crate) async fn a_lapse_is_told_once_by_many_replicas(world: World) {
    let world = world.living(TTL);
    let replicas = [world.replica(), world.replica(), world.replica()];
    let mut view = View::new(&replicas[0]).await;
    let a = Node::join(&replicas[0], "a").await;
    a.connect(1).await;
    let mut swept = 0;
    world
        .eventually("the lapse is told", async || {
            for replica in &replicas {
                swept += replica.sweep().await.unwrap();
            }
            view.follow().await;
            view.frontiers.is_empty().then_some(())
        })
        .await;
    assert_eq!(swept, 1);
    assert!(view.edges.is_empty());
    world.pass(TTL).await;
    for replica in &replicas {
        assert_eq!(replica.sweep().await.unwrap(), 0);
    }
    assert_eq!(view.follow().await, 0);
}
