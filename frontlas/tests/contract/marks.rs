//! What is noted about a frontier: that it drains, that nobody is in touch with it.

use crate::view::View;
use crate::world::{Node, World, counts, frontier, place};
use frontlas::{Directory, DirectoryError, Mark, NewFrontier};
use std::sync::Arc;

/// Whether it is there and drains, and whether it is away, by each way of asking.
async fn marks(directory: &Arc<dyn Directory>, id: &str) -> Option<(bool, bool)> {
    let listed = directory.frontiers().await.unwrap().into_iter().find(|it| it.id == id);
    let asked = directory.frontiers_by_id(&[id.to_owned()]).await.unwrap().remove(0);
    assert_eq!(listed, asked);
    asked.map(|it| (it.draining, it.away))
}

pub(crate) async fn one_that_drains_is_there_until_it_goes(world: World) {
    let directory = world.replica();
    let (node, other) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    node.connect(1).await;
    let mut view = View::new(&directory).await;
    assert_eq!(marks(&directory, "a").await, Some((false, false)));
    for _ in 0..2 {
        directory.mark(&node.lease, Mark::Draining).await.unwrap();
    }
    assert_eq!(marks(&directory, "a").await, Some((true, false)));
    assert_eq!(marks(&directory, "b").await, Some((false, false)));
    assert_eq!(view.follow().await, 1, "it is told once");
    assert_eq!(view.draining.iter().collect::<Vec<_>>(), ["a"]);
    assert_eq!(place(&directory, 1).await.as_deref(), Some("a"), "who is there is found there");
    assert!(directory.frontiers_by_edge(&[1]).await.unwrap()[0].as_ref().unwrap().draining);
    node.connect(2).await;
    assert_eq!(counts(&directory).await, [("a".into(), 2, 0), ("b".into(), 0, 0)]);
    directory.refresh(&node.lease).await.unwrap();
    node.resync(&[]).await;
    assert_eq!(marks(&directory, "a").await, Some((true, false)));
    assert_eq!(View::new(&directory).await.draining.len(), 1);
    directory.leave(&node.lease).await.unwrap();
    assert_eq!(marks(&directory, "a").await, None);
    view.follow().await;
    assert!(view.draining.is_empty());
    drop(other);
}

pub(crate) async fn a_later_process_does_not_drain(world: World) {
    let directory = world.replica();
    let first = Node::join(&directory, "a").await;
    directory.mark(&first.lease, Mark::Draining).await.unwrap();
    directory.mark(&first.lease, Mark::Away).await.unwrap();
    directory.mark(&first.lease, Mark::Forwarding).await.unwrap();
    assert!(directory.frontiers().await.unwrap()[0].forwarding);
    let before = directory.frontiers().await.unwrap()[0].since;
    let mut view = View::new(&directory).await;
    Node::join(&directory, "a").await;
    assert_eq!(marks(&directory, "a").await, Some((false, false)));
    assert!(directory.frontiers().await.unwrap()[0].since > before);
    assert!(!directory.frontiers().await.unwrap()[0].forwarding, "nor forward, until it says so");
    view.follow().await;
    assert!(view.draining.is_empty() && view.frontiers.contains("a"));
}

pub(crate) async fn one_that_comes_again_is_not_away_but_still_drains(world: World) {
    let (one, two) = (world.replica(), world.replica());
    let node = Node::join(&one, "a").await;
    let since = one.frontiers().await.unwrap()[0].since;
    let mut view = View::new(&one).await;
    one.mark(&node.lease, Mark::Away).await.unwrap();
    assert_eq!(marks(&two, "a").await, Some((false, true)));
    assert_eq!(view.follow().await, 0, "it is not told: it may be well");
    one.mark(&node.lease, Mark::Draining).await.unwrap();
    let moved = NewFrontier { advertised_eb_addr: "elsewhere:1".into(), ..frontier("a") };
    two.join(&moved, Some(node.lease.incarnation())).await.unwrap();
    assert_eq!(marks(&one, "a").await, Some((true, false)));
    assert_eq!(one.frontiers().await.unwrap()[0].since, since);
    view.follow().await;
    assert!(view.draining.contains("a"));
}

pub(crate) async fn only_who_holds_the_lease_may_mark(world: World) {
    let directory = world.replica();
    let first = Node::join(&directory, "a").await;
    let second = Node::join(&directory, "a").await;
    for mark in [Mark::Draining, Mark::Away] {
        assert_eq!(directory.mark(&first.lease, mark).await, Err(DirectoryError::Lost));
    }
    assert_eq!(marks(&directory, "a").await, Some((false, false)));
    directory.leave(&second.lease).await.unwrap();
    assert_eq!(directory.mark(&second.lease, Mark::Draining).await, Err(DirectoryError::Lost));
    assert_eq!(marks(&directory, "a").await, None);
}
