use super::*;
use crate::exchange::Exchange;
use crate::registry::Registry;
use crate::testing::{self, Parked, TERMS};
use frontier_protocol::EdgeId;
use std::sync::Arc;

const ID: EdgeId = EdgeId(7);

/// A registry that is followed, and whoever comes to it.
struct World {
    exchange: Arc<Exchange>,
    edges: Vec<Parked>,
}

impl World {
    fn followed() -> Self {
        let world = Self { exchange: testing::exchange(), edges: Vec::new() };
        assert_eq!(world.registry().snapshot(), []);
        world
    }

    fn registry(&self) -> &Registry {
        &self.exchange.registry
    }

    /// A connection of an edge that takes its id over.
    async fn comes(&mut self) -> Arc<Peer> {
        let parked = Parked::edge(&self.exchange, ID.0).await;
        let peer = parked.peer.clone();
        self.edges.push(parked);
        peer
    }

    fn taken(&self) -> Vec<Change> {
        self.registry().changes.take(usize::MAX).unwrap()
    }
}

fn online(peer: &Peer) -> Change {
    Change::Online(Connection::of(peer))
}

fn offline(peer: &Peer) -> Change {
    Change::Offline { key: Key::of(peer), epoch: peer.epoch.0 }
}

#[tokio::test]
async fn who_comes_and_goes_is_told_once_each() {
    let mut world = World::followed();
    let edge = world.comes().await;
    assert_eq!(world.taken(), [online(&edge)]);
    world.registry().edges.withdraw(ID, &edge);
    assert_eq!(world.taken(), [offline(&edge)]);
    world.registry().edges.release(ID, &edge);
    assert_eq!(world.taken(), []);
}

#[tokio::test]
async fn an_edge_that_was_refused_is_not_told() {
    let world = World::followed();
    let parked = Parked::new(&world.exchange, testing::edge(ID.0), TERMS).await;
    world.registry().edges.claim(ID, &parked.peer).unwrap();
    world.registry().edges.release(ID, &parked.peer);
    assert_eq!(world.taken(), []);
}

#[tokio::test]
async fn what_was_not_told_need_not_be_taken_back() {
    let mut world = World::followed();
    let first = world.comes().await;
    assert_eq!(world.taken(), [online(&first)]);
    for _ in 0..100 {
        world.comes().await;
    }
    let last = world.comes().await;
    assert_eq!(world.taken(), [offline(&first), online(&last)]);
    world.registry().edges.release(ID, &last);
    assert_eq!(world.taken(), [offline(&last)]);
}

#[tokio::test]
async fn what_may_be_in_the_snapshot_is_taken_back() {
    let mut world = World::followed();
    world.registry().changes.begin_snapshot();
    let seen = world.comes().await;
    world.registry().changes.end_snapshot();
    world.registry().edges.release(ID, &seen);
    assert_eq!(world.taken(), [offline(&seen)]);
}

#[tokio::test]
async fn a_snapshot_has_who_can_be_reached_and_no_one_else() {
    let mut world = World::followed();
    let (edge, gone) = (world.comes().await, Parked::edge(&world.exchange, 8).await);
    let joining = Parked::new(&world.exchange, testing::edge(9), TERMS).await;
    world.registry().edges.claim(EdgeId(9), &joining.peer).unwrap();
    world.registry().edges.withdraw(EdgeId(8), &gone.peer);
    let service = Parked::service(&world.exchange, 7, &["m"], &[]).await;
    let all = world.registry().snapshot();
    assert_eq!(all, [Connection::of(&edge), Connection::of(&service.peer)]);
    assert_eq!((all[1].key, &*all[1].name), (Key::Service(7), "service-7"));
    assert_eq!(world.taken(), [], "what was untold is in the snapshot");
    world.registry().services.release(&service.peer);
    assert_eq!(world.taken(), [offline(&service.peer)]);
}

#[tokio::test]
async fn too_much_calls_for_a_snapshot() {
    let mut world = World::followed();
    // Connections of one id whose ends must be told.
    world.registry().changes.begin_snapshot();
    for _ in 0..ENDED + 2 {
        world.comes().await;
    }
    assert_eq!(world.registry().changes.take(1), Err(Overflow));
    world.registry().changes.news().await;
    world.comes().await;
    assert_eq!(world.registry().changes.take(1), Err(Overflow), "nothing is kept until then");
    assert_eq!(world.registry().snapshot().len(), 1);
    assert_eq!(world.taken(), []);
}

#[tokio::test]
async fn the_number_of_ids_has_a_limit() {
    let world = World::followed();
    let changes = &world.registry().changes;
    let parked = Parked::new(&world.exchange, testing::edge(0), TERMS).await;
    let note = |id: usize| {
        let key = Key::Edge(id.try_into().unwrap());
        changes.note(key, |_, untold| {
            untold.began = Some(Began { connection: Connection::of(&parked.peer), may_be_told: false });
        });
    };
    (0..LIMIT).for_each(note);
    assert_eq!(changes.take(1).map(|changes| changes.len()), Ok(1));
    [0, LIMIT].into_iter().for_each(note);
    assert_eq!(changes.take(1), Err(Overflow));
}

#[tokio::test]
async fn news_wakes_who_waits() {
    let mut world = World::followed();
    let changes = world.registry().changes.clone();
    let waits = tokio::spawn(async move { changes.news().await });
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    world.comes().await;
    testing::soon(waits).await.unwrap();
}
