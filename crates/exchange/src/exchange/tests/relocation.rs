//! Edges that have moved are reached until the cluster knows where they are.

use super::*;

const DRAINING: Inbound<'static> = Inbound::Leave { is_draining: true };

fn exchange_with_directory() -> Arc<Exchange> {
    let exchange = testing::exchange();
    exchange.set_has_directory(true);
    exchange
}

#[test]
fn an_edge_that_has_moved_is_called_here_until_it_is_known_elsewhere() {
    let exchange = exchange_with_directory();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    edge.peer.note_asked_to_move(exchange.clock());
    edge.on(DRAINING).unwrap();
    assert_eq!(edge.peer.stage(), Stage::Moved);
    exchange.sweep_relocations(Instant::now());
    service.send(call(1, to_edge(EDGE)));
    exchange.relocated(&edge.peer);
    assert_eq!(edge.peer.stage(), Stage::Leaving);
    service.send(call(2, to_edge(EDGE)));
    assert!(matches!(&edge.outlet.take()[..], [Sent::Request(_), Sent::Seal]));
    assert_eq!(service.codes(), [(2, Code::EdgeNotOnline)]);
}

#[test]
fn one_that_is_known_elsewhere_first_is_let_go_at_its_goodbye() {
    let exchange = exchange_with_directory();
    let edge = TestPeer::edge(&exchange, EDGE);
    edge.peer.note_asked_to_move(exchange.clock());
    exchange.relocated(&edge.peer);
    assert!(edge.peer.is_online() && edge.outlet.close_reason().is_none(), "its goodbye is on its way");
    edge.on(DRAINING).unwrap();
    assert_eq!((edge.peer.stage(), edge.outlet.take()), (Stage::Leaving, vec![Sent::Seal]));
}

#[test]
fn nobody_is_waited_for_without_end() {
    let exchange = exchange_with_directory();
    let unnamed = TestPeer::edge(&exchange, 1);
    unnamed.on(DRAINING).unwrap();
    let silent = TestPeer::edge(&exchange, 2);
    silent.peer.note_asked_to_move(exchange.clock());
    exchange.relocated(&silent.peer);
    exchange.sweep_relocations(Instant::now() + Duration::from_secs(6));
    assert_eq!(unnamed.peer.stage(), Stage::Leaving);
    assert_eq!(silent.outlet.close_reason(), None);
    exchange.sweep_relocations(Instant::now() + Duration::from_secs(11));
    assert!(is_told_to_come_again(silent.outlet.close_reason()));
}

#[test]
fn who_was_not_asked_is_closed_at_once_and_without_a_directory_nobody_is_kept() {
    let exchange = exchange_with_directory();
    let unasked = TestPeer::edge(&exchange, 1);
    exchange.relocated(&unasked.peer);
    assert!(is_told_to_come_again(unasked.outlet.close_reason()));
    let kept = TestPeer::edge(&exchange, 2);
    kept.on(DRAINING).unwrap();
    assert_eq!(kept.peer.stage(), Stage::Moved);
    exchange.set_has_directory(false);
    assert_eq!(kept.peer.stage(), Stage::Leaving);
    let late = TestPeer::edge(&exchange, 3);
    late.on(DRAINING).unwrap();
    assert_eq!(late.peer.stage(), Stage::Leaving);
}

/// Only what this gateway has seen itself is the end of a client.
fn is_told_to_come_again(reason: Option<CloseReason>) -> bool {
    matches!(reason, Some(CloseReason::Refused(code, _)) if code.is_retryable())
}
