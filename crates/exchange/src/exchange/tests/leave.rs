//! Peers that leave, and services that stay a while longer.

use super::*;

const DRAINING: Inbound<'static> = Inbound::Leave { is_draining: true };

#[test]
fn a_service_that_has_moved_is_asked_until_the_edges_are_gone() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    exchange.keep_services();
    service.on(DRAINING).unwrap();
    assert_eq!(service.peer.stage(), Stage::Moved);
    edge.send(call(1, Destination::Name));
    exchange.let_services_go();
    assert_eq!(service.peer.stage(), Stage::Leaving);
    edge.send(call(2, Destination::Name));
    assert_eq!(edge.codes(), [(2, Code::ServiceNotOnline)]);
    // The last word stands behind the last request.
    assert!(matches!(&service.outlet.take()[..], [Sent::Request(_), Sent::Seal]));
}

#[test]
fn nobody_else_is_kept() {
    let exchange = testing::exchange();
    let early = TestPeer::service(&exchange, 1, &["m"], &[]);
    early.on(DRAINING).unwrap();
    exchange.keep_services();
    let closing = TestPeer::service(&exchange, 2, &["m"], &[]);
    closing.on(Inbound::Leave { is_draining: false }).unwrap();
    let edge = TestPeer::edge(&exchange, EDGE);
    edge.on(DRAINING).unwrap();
    exchange.let_services_go();
    let late = TestPeer::service(&exchange, 3, &["m"], &[]);
    late.on(DRAINING).unwrap();
    for leaving in [&early, &closing, &edge, &late] {
        assert_eq!(leaving.peer.stage(), Stage::Leaving);
        assert_eq!(leaving.outlet.take(), [Sent::Seal]);
    }
}

/// As when it says goodbye on one processor while it is asked on another.
#[test]
fn a_request_that_comes_too_late_goes_to_another_service_or_fails() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let leaving = TestPeer::service(&exchange, 1, &["m"], &[]);
    // It has been chosen before its stage was seen to change.
    let _ = leaving.outlet.seal().unwrap();
    edge.send(call(1, Destination::Name));
    let other = TestPeer::service(&exchange, 2, &["m"], &[]);
    edge.send(call(2, Destination::Name));
    assert_eq!(edge.codes(), [(1, Code::Disconnected)]);
    assert_eq!(leaving.outlet.take(), [Sent::Seal]);
    assert_eq!(other.requests().len(), 1);
    assert!(!leaving.peer.is_busy());
}

#[test]
fn the_go_away_of_a_gateway_that_is_asked_needs_no_reply() {
    let exchange = testing::exchange();
    let owner = TestPeer::owner_gateway(&exchange, "a");
    owner.on(DRAINING).unwrap();
    assert_eq!((owner.peer.stage(), owner.outlet.take()), (Stage::Moved, vec![]), "it serves for now");
    owner.on(Inbound::Leave { is_draining: false }).unwrap();
    assert_eq!((owner.peer.stage(), owner.outlet.take()), (Stage::Leaving, vec![]));
}
