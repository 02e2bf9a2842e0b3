//! A snapshot in chunks replaces what the directory had of a frontier.

use crate::view::View;
use crate::world::{Node, World, counts, place};
use frontlas::{DirectoryError, Event, Presence, Verdict};

pub(crate) async fn a_snapshot_replaces_what_was_there(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let (stays, moved, gone) = (a.connect(1).await, a.connect(2).await, a.connect(3).await);
    b.connect(2).await;
    let old = a.connect(4).await;
    let service = Presence::service(5, "s", "", a.now().await);
    a.online(&service).await;
    let new = Presence::edge(6, "", a.now().await);
    let again = Presence::edge(4, "again", a.now().await);
    let snapshot = [stays, moved, again.clone(), new];
    use Verdict::{Applied, Superseded, Unchanged};
    let verdicts = a.resync(&snapshot).await;
    assert_eq!(verdicts, [Unchanged, Superseded { by: "b".into() }, Applied, Applied]);
    assert_eq!(counts(&directory).await, [("a".into(), 3, 0), ("b".into(), 1, 0)]);
    assert_eq!(place(&directory, 3).await, None);
    assert_eq!(directory.services_by_id(&[5]).await.unwrap(), [None]);
    let found = directory.edges_by_id(&[4]).await.unwrap().remove(0).unwrap();
    assert_eq!((found.addr.as_str(), found.stamp), ("again", again.stamp));
    assert_eq!(a.apply(&[gone.offline(), old.offline()]).await, [Unchanged, Unchanged]);
    assert_eq!(a.resync(&[]).await, []);
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0), ("b".into(), 1, 0)]);
}

pub(crate) async fn only_the_difference_is_told(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let stamp = a.now().await;
    let all: Vec<_> = (0..1100).map(|id| Presence::edge(id, "", stamp)).collect();
    a.apply(&all.iter().cloned().map(Event::Online).collect::<Vec<_>>()).await;
    let mut view = View::new(&directory).await;
    directory.resync_begin(&a.lease).await.unwrap();
    let new = Presence::edge(5000, "", stamp);
    directory.resync_chunk(&a.lease, &all[10..]).await.unwrap();
    directory.resync_chunk(&a.lease, &[new]).await.unwrap();
    directory.resync_end(&a.lease).await.unwrap();
    assert_eq!(view.follow().await, 11);
    assert_eq!(view.edges.len(), 1091);
    assert_eq!(directory.frontiers().await.unwrap()[0].edge_count, 1091);
}

pub(crate) async fn what_is_reported_meanwhile_counts(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let (kept, left) = (a.connect(1).await, a.connect(2).await);
    directory.resync_begin(&a.lease).await.unwrap();
    directory.resync_chunk(&a.lease, &[kept, left.clone()]).await.unwrap();
    a.connect(3).await;
    a.offline(&left).await;
    directory.resync_end(&a.lease).await.unwrap();
    assert_eq!(counts(&directory).await, [("a".into(), 2, 0)]);
    assert_eq!(place(&directory, 2).await, None);
    assert_eq!(place(&directory, 3).await.as_deref(), Some("a"));
}

pub(crate) async fn a_chunk_needs_a_beginning(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    let edge = a.connect(1).await;
    let lost = Err(DirectoryError::Lost);
    assert_eq!(directory.resync_chunk(&a.lease, std::slice::from_ref(&edge)).await.map(drop), lost);
    assert_eq!(directory.resync_end(&a.lease).await, lost);
    a.resync(&[edge]).await;
    assert_eq!(directory.resync_end(&a.lease).await, lost);
    assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
}

pub(crate) async fn everything_comes_back_after_the_store_was_emptied(world: World) {
    let (one, two) = (world.replica(), world.replica());
    let (a, b) = (Node::join(&one, "a").await, Node::join(&two, "b").await);
    let mut at_a = Vec::new();
    for edge_id in 0..5 {
        at_a.push(a.connect(edge_id).await);
    }
    let moved = b.connect(4).await;
    world.flush();
    assert_eq!(counts(&one).await, []);
    let mut nodes = Vec::new();
    for (node, snapshot) in [(a, at_a), (b, vec![moved])] {
        assert_eq!(node.directory.refresh(&node.lease).await, Err(DirectoryError::Lost));
        assert_eq!(node.directory.apply(&node.lease, &[]).await, Err(DirectoryError::Lost));
        let new = crate::world::frontier(node.lease.frontier());
        let lease = node.directory.join(&new, Some(node.lease.incarnation())).await.unwrap();
        assert_eq!(lease.incarnation(), node.lease.incarnation());
        let node = Node { lease, ..node };
        node.resync(&snapshot).await;
        node.directory.refresh(&node.lease).await.unwrap();
        nodes.push(node);
    }
    assert_eq!(counts(&two).await, [("a".into(), 4, 0), ("b".into(), 1, 0)]);
    assert_eq!(place(&one, 4).await.as_deref(), Some("b"));
}
