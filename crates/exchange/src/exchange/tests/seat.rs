//! The end of a seat leaves nothing behind, whatever its peer was at.

use super::*;
use crate::{Change, ClaimError, Key, RegistrationError};

/// A follower that has heard of everyone until now.
fn follower(exchange: &Exchange) -> Follower {
    let follower = exchange.follow();
    exchange.snapshot(&follower);
    follower
}

fn is_over(peer: &Peer) -> bool {
    peer.stage() == Stage::Gone && peer.departed().is_set() && !peer.has_pending()
}

#[test]
fn an_edge_that_never_was_online_leaves_nothing() {
    let exchange = testing::exchange();
    let follower = follower(&exchange);
    let edge = TestPeer::new(&exchange, testing::edge(EDGE));
    let (seat, predecessor) = exchange.join_edge(&edge.peer).unwrap();
    assert!(predecessor.is_none() && exchange.is_edge_taken(EdgeId(EDGE)) && !edge.peer.is_online());
    drop(seat);
    assert!(is_over(&edge.peer) && !exchange.is_edge_taken(EdgeId(EDGE)));
    assert_eq!(follower.take(9).unwrap(), []);
}

#[test]
fn an_edge_that_ends_without_a_word_is_withdrawn_and_told_of_once() {
    let exchange = testing::exchange();
    let follower = follower(&exchange);
    // Before anyone asks to leave, and after.
    for stage in [Stage::Online, Stage::Leaving, Stage::Gone] {
        let mut edge = TestPeer::edge(&exchange, EDGE);
        edge.peer.advance(stage);
        assert_eq!(follower.take(9).unwrap().len(), 1);
        edge.vanish();
        assert!(is_over(&edge.peer) && !exchange.is_edge_taken(EdgeId(EDGE)));
        let ended = Change::Offline { key: Key::Edge(EDGE), epoch: edge.peer.epoch().0 };
        assert_eq!(follower.take(9).unwrap(), [ended]);
    }
    // After its leave, which has told already, it still holds its id.
    let mut edge = TestPeer::edge(&exchange, EDGE);
    exchange.leave(&edge.peer, &[]);
    assert!(exchange.is_edge_taken(EdgeId(EDGE)) && !edge.peer.departed().is_set());
    assert_eq!(follower.take(9).unwrap(), [], "it came and went");
    edge.vanish();
    assert!(is_over(&edge.peer) && !exchange.is_edge_taken(EdgeId(EDGE)));
    assert_eq!(follower.take(9).unwrap(), []);
}

#[test]
fn an_edge_that_was_taken_over_leaves_its_successor_alone() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let mut old = TestPeer::edge(&exchange, EDGE);
    service.send(call(1, to_edge(EDGE)));
    old.request();
    let new = TestPeer::new(&exchange, testing::edge(EDGE));
    let (seat, predecessor) = exchange.join_edge(&new.peer).unwrap();
    assert!(predecessor.is_some_and(|it| Arc::ptr_eq(&it, &old.peer)));
    assert!(!old.peer.departed().is_set(), "the successor waits for this");
    old.vanish();
    assert!(is_over(&old.peer));
    assert_eq!(service.codes(), [(1, Code::Disconnected)]);
    assert!(exchange.is_edge_taken(EdgeId(EDGE)) && seat.publish());
    service.send(call(2, to_edge(EDGE)));
    assert_eq!(new.requests().len(), 1);
}

#[test]
fn an_edge_that_comes_too_late_for_its_id_leaves_nothing() {
    let exchange = testing::exchange();
    let older = TestPeer::new(&exchange, testing::edge(EDGE));
    let newer = TestPeer::edge(&exchange, EDGE);
    assert_eq!(exchange.join_edge(&older.peer).unwrap_err(), ClaimError::Superseded);
    assert!(is_over(&older.peer) && newer.peer.is_online());
    assert!(exchange.edge(EdgeId(EDGE)).is_some_and(|edge| Arc::ptr_eq(&edge, &newer.peer)));
}

#[test]
fn what_is_in_flight_ends_with_the_seat_both_ways() {
    let exchange = testing::exchange();
    let mut edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(1, Destination::Name));
    service.send(call(1, to_edge(EDGE)));
    let request = service.request();
    edge.vanish();
    assert_eq!(service.codes(), [(1, Code::Disconnected)]);
    assert_eq!(service.cancels(), [request.correlation()]);
    assert!(!service.peer.has_pending() && !edge.peer.has_pending());
    // Nothing can be entered any more.
    edge.send(call(2, Destination::Name));
    assert!(service.requests().is_empty() && !edge.peer.has_pending());
}

#[test]
fn a_seat_is_given_up_when_its_task_panics() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let peer = edge.peer.clone();
    let ended = std::thread::spawn(move || {
        let _edge = edge;
        std::panic::resume_unwind(Box::new("a wire's mistake"));
    });
    assert!(ended.join().is_err());
    assert!(is_over(&peer) && !exchange.is_edge_taken(EdgeId(EDGE)));
}

#[test]
fn a_service_whose_join_fails_leaves_nothing_and_its_predecessor_goes_on() {
    let exchange = testing::exchange_with(|settings| settings.limits.names = 2);
    let follower = follower(&exchange);
    let edge = TestPeer::edge(&exchange, EDGE);
    for has_predecessor in [false, true] {
        let predecessor = has_predecessor.then(|| TestPeer::service(&exchange, 1, &["m"], &[]));
        follower.take(9).unwrap();
        for (methods, error) in [
            (&["a", "b", "c"][..], RegistrationError::TooMany(2)),
            (&["a", ""], RegistrationError::EmptyName),
        ] {
            let service = TestPeer::new(&exchange, testing::service(1));
            assert_eq!(exchange.join_service(&service.peer, methods, &[]).unwrap_err(), error);
            assert!(is_over(&service.peer));
            assert_eq!(exchange.is_service_taken(ServiceId(1)), has_predecessor);
            edge.send(Envelope { name: "a", ..call(1, Destination::Name) });
            assert_eq!(edge.codes(), [(1, Code::MethodNotFound)]);
            assert_eq!(follower.take(9).unwrap(), []);
        }
        if let Some(predecessor) = predecessor {
            edge.send(call(2, Destination::Name));
            assert_eq!(predecessor.requests().len(), 1);
        }
    }
}

#[test]
fn a_service_that_was_taken_over_leaves_its_names_to_its_successor() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let mut old = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(1, Destination::Name));
    old.request();
    let mut new = TestPeer::service(&exchange, 1, &[], &[]);
    old.vanish();
    assert_eq!(edge.codes(), [(1, Code::Disconnected)]);
    edge.send(call(2, Destination::Name));
    assert_eq!(new.requests().len(), 1);
    new.vanish();
    assert!(is_over(&old.peer) && is_over(&new.peer) && !exchange.is_service_taken(ServiceId(1)));
    edge.send(call(3, Destination::Name));
    assert_eq!(edge.codes(), [(2, Code::Disconnected), (3, Code::MethodNotFound)]);
}

#[test]
fn a_gateway_is_in_no_table_after_its_seat() {
    let exchange = testing::exchange();
    let mut origin = TestPeer::origin_gateway(&exchange);
    let mut owner = TestPeer::owner_gateway(&exchange, "a");
    let count = || {
        let (mut all, mut origins) = (0, 0);
        exchange.registry().gateways.for_each(|_| all += 1);
        exchange.for_each_origin_gateway(|_| origins += 1);
        (all, origins)
    };
    assert_eq!(count(), (2, 1));
    origin.vanish();
    assert_eq!(count(), (1, 0));
    owner.vanish();
    assert_eq!(count(), (0, 0));
    assert!(is_over(&origin.peer) && is_over(&owner.peer));
}
