//! The history of changes: numbered, complete, and gone after a while.

use crate::view::View;
use crate::world::{Node, World};
use frontlas::{Change, Changes, Former, Lifetimes, Position, Presence, Verdict};

pub(crate) async fn changes_are_numbered_and_complete(world: World) {
    let directory = world.replica();
    let start = directory.position().await.unwrap();
    assert_eq!(directory.changes(start, 10).await.unwrap(), Changes::Since(Vec::new()));
    let a = Node::join(&directory, "a").await;
    let first = a.connect(1).await;
    assert_eq!(a.online(&first).await, Verdict::Unchanged);
    let b = Node::join(&directory, "b").await;
    let second = b.connect(1).await;
    a.offline(&first).await;
    let service = Presence::service(2, "s", "", b.now().await);
    b.online(&service).await;
    b.offline(&service).await;
    b.offline(&second).await;
    directory.leave(&a.lease).await.unwrap();

    let Changes::Since(all) = directory.changes(start, 100).await.unwrap() else { panic!("gone") };
    let numbers: Vec<u64> = all.iter().map(|it| it.number).collect();
    assert_eq!(numbers, (start.number + 1..=start.number + 8).collect::<Vec<_>>());
    let changes: Vec<Change> = all.iter().map(|it| it.change.clone()).collect();
    assert_eq!(changes[0], Change::FrontierOnline(crate::world::frontier("a")));
    assert!(matches!(&changes[1], Change::EdgeOnline { edge, former: None } if edge.stamp == first.stamp));
    assert_eq!(changes[2], Change::FrontierOnline(crate::world::frontier("b")));
    let expected = Former { frontier_id: "a".into(), stamp: first.stamp };
    let Change::EdgeOnline { edge, former: Some(former) } = &changes[3] else { panic!("{:?}", changes[3]) };
    assert_eq!((edge.frontier_id.as_str(), former), ("b", &expected));
    let Change::ServiceOnline { service: told, former: None } = &changes[4] else {
        panic!("{:?}", changes[4])
    };
    assert_eq!((told.id, told.service.as_str()), (2, "s"));
    let frontier_id = || "b".to_owned();
    let left = Change::ServiceOffline { service_id: 2, frontier_id: frontier_id(), stamp: service.stamp };
    assert_eq!(changes[5], left);
    let left = Change::EdgeOffline { edge_id: 1, frontier_id: frontier_id(), stamp: second.stamp };
    assert_eq!(changes[6], left);
    assert_eq!(changes[7], Change::FrontierOffline { frontier_id: "a".into() });

    // In parts, and from any other replica.
    let (other, mut position, mut parts) = (world.replica(), start, Vec::new());
    assert_eq!(other.position().await.unwrap(), Position { number: start.number + 8, ..start });
    while position.number < start.number + 8 {
        let Changes::Since(part) = other.changes(position, 3).await.unwrap() else { panic!("gone") };
        position.number = part.last().unwrap().number;
        parts.extend(part);
    }
    assert_eq!(parts, all);
}

pub(crate) async fn an_old_position_is_gone(world: World) {
    let world = world.with(Lifetimes { history: 10, ..Lifetimes::default() });
    let directory = world.replica();
    let old = directory.position().await.unwrap();
    let a = Node::join(&directory, "a").await;
    for edge_id in 0..500 {
        a.connect(edge_id).await;
    }
    assert_eq!(directory.changes(old, 100).await.unwrap(), Changes::Gone);
    let now = directory.position().await.unwrap();
    let recent = Position { number: now.number - 10, ..now };
    let Changes::Since(last) = directory.changes(recent, 100).await.unwrap() else { panic!("gone") };
    assert_eq!(last.len(), 10);
    for never in [
        Position { number: now.number + 1, ..now },
        Position { number: u64::MAX, ..now },
        Position { history: now.history ^ 1, ..now },
        Position::default(),
    ] {
        assert_eq!(directory.changes(never, 100).await.unwrap(), Changes::Gone, "{never:?}");
    }
}

pub(crate) async fn an_emptied_store_begins_another_history(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    a.connect(1).await;
    let before = directory.position().await.unwrap();
    world.flush();
    assert_eq!(directory.changes(before, 10).await.unwrap(), Changes::Gone);
    let b = Node::join(&directory, "b").await;
    b.connect(1).await;
    b.connect(2).await;
    assert_eq!(directory.changes(before, 10).await.unwrap(), Changes::Gone);
    let mut view = View::new(&directory).await;
    view.follow().await;
    assert_eq!(view.edges.len(), 2);
}
