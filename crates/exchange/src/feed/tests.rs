//! What a follower is told, and what several are told beside each other.

use super::*;
use crate::Exchange;
use crate::registry::Registry;
use crate::testing::{self, TestPeer};
use frontier_protocol::EdgeId;
use std::sync::Arc;

const ID: EdgeId = EdgeId(7);

/// An exchange that is followed, and whoever comes to it.
struct World {
    exchange: Arc<Exchange>,
    follower: Follower,
    edges: Vec<TestPeer>,
}

impl World {
    fn followed() -> Self {
        let exchange = testing::exchange();
        let follower = exchange.follow();
        let world = Self { exchange, follower, edges: Vec::new() };
        assert_eq!(world.snapshot(), []);
        world
    }

    fn registry(&self) -> &Registry {
        self.exchange.registry()
    }

    /// A connection of an edge that takes its id over.
    fn comes(&mut self) -> Arc<Peer> {
        let edge = TestPeer::edge(&self.exchange, ID.0);
        let peer = edge.peer.clone();
        self.edges.push(edge);
        peer
    }

    fn snapshot(&self) -> Vec<Connection> {
        self.exchange.snapshot(&self.follower)
    }

    fn taken(&self) -> Vec<Change> {
        self.follower.take(usize::MAX).unwrap()
    }
}

fn online(peer: &Peer) -> Change {
    Change::Online(Connection::of(peer))
}

fn offline(peer: &Peer) -> Change {
    Change::Offline { key: Key::of(peer), epoch: peer.epoch().0 }
}

#[test]
fn who_comes_and_goes_is_told_once_each() {
    let mut world = World::followed();
    let edge = world.comes();
    assert_eq!(world.taken(), [online(&edge)]);
    world.registry().edges.withdraw(ID, &edge);
    assert_eq!(world.taken(), [offline(&edge)]);
    world.registry().edges.release(ID, &edge);
    assert_eq!(world.taken(), []);
}

#[test]
fn an_edge_that_was_refused_is_not_told() {
    let world = World::followed();
    let refused = TestPeer::new(&world.exchange, testing::edge(ID.0));
    drop(world.exchange.join_edge(&refused.peer).unwrap());
    assert_eq!(world.taken(), []);
}

#[test]
fn what_was_not_told_need_not_be_taken_back() {
    let mut world = World::followed();
    let first = world.comes();
    assert_eq!(world.taken(), [online(&first)]);
    for _ in 0..100 {
        world.comes();
    }
    let last = world.comes();
    assert_eq!(world.taken(), [offline(&first), online(&last)]);
    world.registry().edges.release(ID, &last);
    assert_eq!(world.taken(), [offline(&last)]);
}

#[test]
fn what_may_be_in_the_snapshot_is_taken_back() {
    let mut world = World::followed();
    world.follower.log.begin_snapshot();
    let seen = world.comes();
    world.follower.log.end_snapshot();
    world.registry().edges.release(ID, &seen);
    assert_eq!(world.taken(), [offline(&seen)]);
}

#[test]
fn a_snapshot_has_who_can_be_reached_and_no_one_else() {
    let mut world = World::followed();
    let (edge, gone) = (world.comes(), TestPeer::edge(&world.exchange, 8));
    let joining = TestPeer::new(&world.exchange, testing::edge(9));
    let _seat = world.exchange.join_edge(&joining.peer).unwrap();
    world.registry().edges.withdraw(EdgeId(8), &gone.peer);
    let service = TestPeer::service(&world.exchange, 7, &["m"], &[]);
    let all = world.snapshot();
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
    world.follower.log.begin_snapshot();
    for _ in 0..MAX_ENDED + 2 {
        world.comes();
    }
    assert_eq!(world.follower.take(1), Err(Missed));
    testing::soon(world.follower.changed()).await;
    world.comes();
    assert_eq!(world.follower.take(1), Err(Missed), "nothing is kept until then");
    assert_eq!(world.snapshot().len(), 1);
    assert_eq!(world.taken(), []);
}

#[test]
fn the_number_of_ids_has_a_limit() {
    let world = World::followed();
    let log = &world.follower.log;
    let edge = testing::lone(testing::edge(0));
    let note = |id: usize| {
        let key = Key::Edge(id.try_into().unwrap());
        log.note(key, |_, changed| {
            changed.began = Some(Began { connection: Connection::of(&edge), may_be_known: false });
        });
    };
    (0..MAX_CHANGED).for_each(note);
    assert_eq!(log.take(1).map(|changes| changes.len()), Ok(1));
    [0, MAX_CHANGED].into_iter().for_each(note);
    assert_eq!(log.take(1), Err(Missed));
}

#[tokio::test]
async fn a_change_wakes_who_waits() {
    let mut world = World::followed();
    let log = world.follower.log.clone();
    let waits = tokio::spawn(async move { log.changed().await });
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    world.comes();
    testing::soon(waits).await.unwrap();
    // So does a snapshot that is due.
    world.taken();
    world.follower.pause();
    testing::soon(world.follower.changed()).await;
    assert_eq!(world.follower.take(1), Err(Missed));
}

#[test]
fn followers_go_at_their_own_pace() {
    let mut world = World::followed();
    let other = world.exchange.follow();
    assert_eq!(other.take(1), Err(Missed), "a snapshot comes first");
    assert_eq!(world.exchange.snapshot(&other), []);
    let first = world.comes();
    assert_eq!(world.taken(), [online(&first)]);
    let last = world.comes();
    assert_eq!(world.taken(), [offline(&first), online(&last)]);
    // What the slow one was never told is not taken back before it.
    assert_eq!(other.take(usize::MAX).unwrap(), [online(&last)]);
    world.registry().edges.release(ID, &last);
    for follower in [&world.follower, &other] {
        assert_eq!(follower.take(usize::MAX).unwrap(), [offline(&last)]);
    }
}

#[test]
fn one_that_has_missed_something_is_told_and_recovers_and_the_other_hears_all() {
    let mut world = World::followed();
    let slow = world.exchange.follow();
    assert_eq!(world.exchange.snapshot(&slow), []);
    let mut now = world.comes();
    assert_eq!(slow.take(1).unwrap(), [online(&now)]);
    assert_eq!(world.taken(), [online(&now)]);
    slow.log.begin_snapshot();
    for _ in 0..MAX_ENDED + 2 {
        let next = world.comes();
        assert_eq!(world.taken(), [offline(&now), online(&next)]);
        now = next;
    }
    assert_eq!(slow.take(usize::MAX), Err(Missed));
    assert_eq!(world.exchange.snapshot(&slow), [Connection::of(&now)]);
    world.registry().edges.release(ID, &now);
    assert_eq!(slow.take(usize::MAX).unwrap(), [offline(&now)]);
    assert_eq!(world.taken(), [offline(&now)]);
}

#[test]
fn a_follower_that_is_dropped_costs_nothing() {
    let mut world = World::followed();
    let other = world.exchange.follow();
    world.exchange.snapshot(&other);
    let log = Arc::downgrade(&other.log);
    assert_eq!(world.registry().feed.followers.load().len(), 2);
    drop(other);
    assert_eq!(world.registry().feed.followers.load().len(), 1);
    assert!(log.upgrade().is_none(), "nothing is kept for it");
    let edge = world.comes();
    assert_eq!(world.taken(), [online(&edge)]);
}

#[tokio::test]
async fn one_that_pauses_while_it_waits_is_told_that_a_snapshot_is_due() {
    let world = World::followed();
    let mut waits = std::pin::pin!(world.follower.changed());
    tokio::select! {
        biased;
        () = &mut waits => panic!("nothing has changed"),
        () = std::future::ready(()) => {}
    }
    world.follower.pause();
    testing::soon(waits).await;
    assert_eq!(world.follower.take(1), Err(Missed));
}
