//! The gateway's probe of itself: that it goes through, that it fails, and that nobody sees it.

use super::*;
use crate::{Census, Direction, Traffic};
use frontier_protocol::ServiceId;
use std::sync::mpsc;

#[test]
fn it_goes_both_ways_and_nobody_sees_it() {
    let exchange = testing::exchange();
    let follower = exchange.follow();
    assert!(exchange.snapshot(&follower).is_empty());
    for round in 1..=3 {
        exchange.probe().unwrap();
        assert_eq!(exchange.probes(), 2 * round);
    }
    assert_eq!(exchange.census(), Census::default());
    assert!(follower.take(10).unwrap().is_empty() && exchange.snapshot(&follower).is_empty());
    let counts = exchange.counters().counts();
    for traffic in Traffic::ALL {
        assert!(Direction::ALL.iter().all(|direction| counts.begun(traffic, *direction) == 0), "{traffic:?}");
    }
    exchange.for_each(|peer| panic!("{peer:?}"));
    for peer in [exchange.probe.edge(), exchange.probe.service()] {
        assert!(!peer.has_pending() && !peer.is_listed());
    }
}

#[test]
fn it_goes_through_beside_peers_and_where_edges_may_be_elsewhere() {
    let exchange = testing::exchange_reaching(Arc::new(Elsewhere::default()));
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["*"]);
    exchange.probe().unwrap();
    assert!(edge.requests().is_empty() && service.requests().is_empty());
}

#[test]
fn nothing_that_peers_ask_for_leads_to_it() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    edge.send(Envelope { name: "", ..call(1, Destination::Name) });
    service.send(call(1, to_edge(0)));
    assert_eq!(sorted(edge.codes()), [(1, Code::MethodNotFound)]);
    assert_eq!(sorted(service.codes()), [(1, Code::EdgeNotOnline)]);
    assert!(exchange.edge(EdgeId(0)).is_none() && !exchange.is_service_taken(ServiceId(0)));
}

#[test]
fn it_waits_while_the_exchange_is_stuck() {
    let exchange = testing::exchange();
    let (done, probed) = mpsc::channel();
    let wedge = exchange.wedge();
    let probing = std::thread::spawn({
        let exchange = exchange.clone();
        move || done.send(exchange.probe())
    });
    assert_eq!(probed.recv_timeout(Duration::from_millis(100)), Err(mpsc::RecvTimeoutError::Timeout));
    drop(wedge);
    assert_eq!(probed.recv_timeout(Duration::from_secs(10)), Ok(Ok(())));
    probing.join().unwrap().unwrap();
}
