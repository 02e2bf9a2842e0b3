//! How much one frontier may have.

use crate::world::{Node, World, counts};
use frontlas::{Bounds, Event, Presence, Verdict};

fn events(ids: &[u64], now: frontlas::Timestamp) -> Vec<Event> {
    ids.iter().map(|id| Event::Online(Presence::edge(*id, "", now))).collect()
}

pub(crate) async fn what_is_beyond_the_bound_is_left_out_alone(world: World) {
    let world = world.bounded(Bounds { edges: 2, services: 1 });
    let directory = world.replica();
    let (node, other) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let now = node.now().await;
    let mut report = events(&[1, 2, 3], now);
    report.extend([5, 6].map(|id| Event::Online(Presence::service(id, "s", "", now))));
    let (applied, full) = (Verdict::Applied, Verdict::Full);
    let verdicts = node.apply(&report).await;
    assert_eq!(verdicts, [applied.clone(), applied.clone(), full.clone(), applied.clone(), full.clone()]);
    assert_eq!(counts(&directory).await, [("a".into(), 2, 1), ("b".into(), 0, 0)]);
    assert_eq!(node.apply(&events(&[1, 2], now)).await, [Verdict::Unchanged, Verdict::Unchanged]);
    other.apply(&events(&[1], node.now().await)).await;
    assert_eq!(node.apply(&events(&[3], now)).await, std::slice::from_ref(&applied), "one has moved away");
    assert_eq!(counts(&directory).await, [("a".into(), 2, 1), ("b".into(), 1, 0)]);
}

/// What is there and not in it goes: that must not keep out what is in it.
pub(crate) async fn a_snapshot_has_the_whole_bound_for_itself(world: World) {
    let world = world.bounded(Bounds { edges: 2, services: 1 });
    let directory = world.replica();
    let node = Node::join(&directory, "a").await;
    node.connect(1).await;
    node.connect(2).await;
    let now = node.now().await;
    let present = [3, 4, 5].map(|id| Presence::edge(id, "", now));
    let verdicts = node.resync(&present).await;
    assert_eq!(verdicts, [Verdict::Applied, Verdict::Applied, Verdict::Full]);
    assert_eq!(counts(&directory).await, [("a".into(), 2, 0)]);
}

pub(crate) async fn the_last_incarnation_is_known_until_the_store_is_emptied(world: World) {
    let directory = world.replica();
    assert_eq!(directory.last_incarnation("a").await, Ok(None));
    let first = Node::join(&directory, "a").await;
    let second = Node::join(&directory, "a").await;
    assert_eq!(directory.last_incarnation("a").await, Ok(Some(second.lease.incarnation())));
    assert!(second.lease.incarnation() > first.lease.incarnation());
    world.flush();
    assert_eq!(directory.last_incarnation("a").await, Ok(None));
}
