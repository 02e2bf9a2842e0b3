//! Listing edges and services page by page, also while edges come, move and leave.

use crate::world::{Node, World};
use frontlas::{Directory, Event, Kind, Presence};
use std::collections::BTreeMap;
use std::sync::Arc;

async fn all_pages(directory: &Arc<dyn Directory>, count: usize) -> Vec<u64> {
    let (mut ids, mut from) = (Vec::new(), Some(0));
    while let Some(next) = from {
        let page = directory.edges(next, count).await.unwrap();
        assert!(page.items.len() <= count);
        ids.extend(page.items.iter().map(|it| it.id));
        from = page.next;
    }
    ids
}

pub(crate) async fn pages_have_each_once_in_order(world: World) {
    let directory = world.replica();
    assert_eq!(all_pages(&directory, 10).await, [0_u64; 0]);
    let nodes = [Node::join(&directory, "a").await, Node::join(&directory, "b").await];
    let stamp = nodes[0].now().await;
    for (at, node) in nodes.iter().enumerate() {
        let mine = (0..60).filter(|id| id % 2 == at as u64).map(|id| Presence::edge(id * 1000, "", stamp));
        node.apply(&mine.map(Event::Online).collect::<Vec<_>>()).await;
    }
    let expected: Vec<u64> = (0..60).map(|id| id * 1000).collect();
    for count in [1, 7, 30, 60, 61, 1_000_000] {
        let count = if count > 1000 { usize::MAX } else { count };
        assert_eq!(all_pages(&directory, count).await, expected, "{count} at a time");
    }
    let page = directory.edges(1, 2).await.unwrap();
    assert_eq!((page.items[0].id, page.items[1].id, page.next), (1000, 2000, Some(2001)));
    let none = directory.edges(3, 0).await.unwrap();
    assert_eq!((none.items.len(), none.next), (0, Some(3)));

    let service = Presence::service(9, "s", "", stamp);
    nodes[1].online(&service).await;
    let page = directory.services(0, 5).await.unwrap();
    assert_eq!((page.items[0].id, page.items[0].service.as_str(), page.next), (9, "s", None));
}

pub(crate) async fn what_stays_is_on_one_page_while_others_change(world: World) {
    let directory = world.replica();
    let (a, b) = (Node::join(&directory, "a").await, Node::join(&directory, "b").await);
    let stamp = a.now().await;
    let all: Vec<_> = (0..40).map(|id| Event::Online(Presence::edge(id * 10, "", stamp))).collect();
    a.apply(&all).await;
    let mut times: BTreeMap<u64, usize> = BTreeMap::new();
    let mut from = Some(0);
    let mut turn = 0;
    while let Some(next) = from {
        let page = directory.edges(next, 3).await.unwrap();
        page.items.iter().for_each(|it| *times.entry(it.id).or_default() += 1);
        from = page.next;
        // Multiples of 20 stay, though they move to the other frontier and back; the others leave, new ones
        // come.
        let now = a.now().await;
        let (here, there) = if turn % 2 == 0 { (&b, &a) } else { (&a, &b) };
        let moves = (0..20).map(|id| Event::Online(Presence::edge(id * 20, "", now)));
        here.apply(&moves.collect::<Vec<_>>()).await;
        let leaving = Event::Offline { kind: Kind::Edge, id: 390 - 20 * turn, stamp };
        let coming = Event::Online(Presence::edge(400 - 13 * turn, "", now));
        there.apply(&[leaving, coming]).await;
        turn = (turn + 1).min(19);
    }
    for id in (0..20).map(|id| id * 20) {
        assert_eq!(times.get(&id), Some(&1), "edge {id}");
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

pub(crate) async fn the_greatest_id_is_on_the_last_page(world: World) {
    let directory = world.replica();
    let a = Node::join(&directory, "a").await;
    for id in [0, u64::MAX - 1, u64::MAX] {
        a.connect(id).await;
    }
    assert_eq!(all_pages(&directory, 1).await, [0, u64::MAX - 1, u64::MAX]);
    assert_eq!(all_pages(&directory, 3).await, [0, u64::MAX - 1, u64::MAX]);
}
