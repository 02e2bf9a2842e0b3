//! Edges that have moved are reached until the cluster knows where they are.

use super::*;
use frontier_exchange::Stage;
use frontier_protocol::GoAway;
use frontier_transport::CloseReason;

fn goodbye() -> Frame {
    testing::frame(|out| GoAway::new(Code::Draining, 1_000, "").encode(out))
}

fn kinds(frames: &[Frame]) -> Vec<(Kind, Code)> {
    frames.iter().map(|frame| (frame.kind, frame.code)).collect()
}

const LAST_WORD: (Kind, Code) = (Kind::GoAway, Code::Ok);

#[tokio::test]
async fn an_edge_that_has_moved_is_called_here_until_it_is_known_elsewhere() {
    let exchange = testing::exchange();
    exchange.set_has_directory(true);
    let mut edge = Parked::edge(&exchange, EDGE).await;
    let service = Parked::service(&exchange, 1, &[], &[]).await;
    edge.peer.note_asked_to_move(exchange.clock());
    act(&exchange, &edge.peer, &goodbye());
    assert_eq!(edge.peer.stage(), Stage::Moved);
    exchange.sweep().await;
    let tail = EDGE.to_be_bytes();
    act(&exchange, &service.peer, &request(1, "m", &tail, b""));
    exchange.relocated(&edge.peer);
    assert_eq!(edge.peer.stage(), Stage::Leaving);
    act(&exchange, &service.peer, &request(2, "m", &tail, b""));
    assert_eq!(kinds(&edge.close()), [(Kind::Request, Code::Ok), LAST_WORD]);
}

#[tokio::test]
async fn one_that_is_known_elsewhere_first_is_let_go_at_its_goodbye() {
    let exchange = testing::exchange();
    exchange.set_has_directory(true);
    let mut edge = Parked::edge(&exchange, EDGE).await;
    edge.peer.note_asked_to_move(exchange.clock());
    exchange.relocated(&edge.peer);
    assert!(edge.peer.is_online() && !edge.peer.outlet().is_closed(), "its goodbye is on its way");
    act(&exchange, &edge.peer, &goodbye());
    assert_eq!((edge.peer.stage(), kinds(&edge.close())), (Stage::Leaving, vec![LAST_WORD]));
}

#[tokio::test]
async fn who_was_not_asked_is_closed_at_once_and_without_frontlas_nobody_is_kept() {
    let exchange = testing::exchange();
    exchange.set_has_directory(true);
    let unasked = Parked::edge(&exchange, 1).await;
    exchange.relocated(&unasked.peer);
    let reason = unasked.link.handle().close_reason();
    assert!(matches!(reason, Some(CloseReason::Refused(Code::Disconnected, _))), "{reason:?}");
    let kept = Parked::edge(&exchange, 2).await;
    act(&exchange, &kept.peer, &goodbye());
    assert_eq!(kept.peer.stage(), Stage::Moved);
    exchange.set_has_directory(false);
    assert_eq!(kept.peer.stage(), Stage::Leaving);
    let late = Parked::edge(&exchange, 3).await;
    act(&exchange, &late.peer, &goodbye());
    assert_eq!(late.peer.stage(), Stage::Leaving);
}
