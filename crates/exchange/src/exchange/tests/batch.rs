//! What many requests and replies of one read share.

use super::*;
use crate::{Direction, Reply, Traffic};

#[test]
fn a_batch_wakes_each_receiver_once_and_at_its_end() {
    let exchange = testing::exchange();
    let (edge, other) = (TestPeer::edge(&exchange, EDGE), TestPeer::edge(&exchange, 8));
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    let mut batch = exchange.batch();
    for id in 1..=10 {
        exchange.on(&edge.peer, Inbound::Request(call(id, Destination::Name)), &mut batch).unwrap();
        exchange.on(&edge.peer, Inbound::Request(unacked(Destination::Name)), &mut batch).unwrap();
        exchange.on(&other.peer, Inbound::Request(call(id, Destination::Name)), &mut batch).unwrap();
    }
    assert_eq!(service.outlet.wakes(), 0);
    drop(batch);
    assert_eq!(service.outlet.wakes(), 1);
    let mut batch = exchange.batch();
    for request in service.requests().iter().filter(|request| request.correlation.is_some()) {
        let (correlation, kind) = (request.correlation(), request.kind);
        let reply = Reply { correlation, kind, outcome: ok(), edge: None };
        exchange.on(&service.peer, Inbound::Reply(reply), &mut batch).unwrap();
    }
    assert_eq!((edge.outlet.wakes(), other.outlet.wakes()), (0, 0));
    drop(batch);
    assert_eq!((edge.outlet.wakes(), other.outlet.wakes(), service.outlet.wakes()), (1, 1, 1));
    assert_eq!((edge.codes().len(), other.codes().len()), (10, 10));
}

#[test]
fn who_was_sent_nothing_is_not_woken() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    service.outlet.set_room(0);
    edge.send(call(1, Destination::Name));
    assert_eq!((service.outlet.wakes(), edge.outlet.wakes()), (0, 1));
}

#[test]
fn the_clock_is_read_once_for_a_batch() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    let deadline = Instant::now() + Duration::from_secs(30);
    let pass = |time: Duration| {
        let start = Instant::now();
        while start.elapsed() < time {
            std::thread::yield_now();
        }
    };
    let mut batch = exchange.batch();
    for id in [1, 2] {
        let envelope = Envelope { deadline, ..call(id, Destination::Name) };
        exchange.on(&edge.peer, Inbound::Request(envelope), &mut batch).unwrap();
        pass(Duration::from_millis(3));
    }
    let now = batch.now();
    assert_eq!(batch.now(), now);
    drop(batch);
    edge.send(Envelope { deadline, ..call(3, Destination::Name) });
    let left: Vec<u32> = service.requests().iter().map(|request| request.timeout_ms).collect();
    assert_eq!(left[0], left[1]);
    assert!(left[2] < left[1]);
}

#[test]
fn what_went_well_is_counted_with_the_batch() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let _service = TestPeer::service(&exchange, 1, &[], &["t"]);
    let begun = || exchange.counters().counts().begun(Traffic::Message, Direction::ToService);
    let mut batch = exchange.batch();
    for _ in 0..3 {
        exchange.on(&edge.peer, Inbound::Request(unacked(Destination::Name)), &mut batch).unwrap();
    }
    assert_eq!(begun(), 0);
    drop(batch);
    assert_eq!(begun(), 3);
}
