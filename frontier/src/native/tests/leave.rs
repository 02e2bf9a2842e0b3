//! Peers that leave, and services that stay a while longer.

use super::*;
use frontier_exchange::Stage;
use frontier_protocol::GoAway;

fn go_away(code: Code) -> Frame {
    testing::frame(|out| GoAway::new(code, 1_000, "").encode(out))
}

fn kinds(frames: &[Frame]) -> Vec<(Kind, Code)> {
    frames.iter().map(|frame| (frame.kind, frame.code)).collect()
}

const LAST_WORD: (Kind, Code) = (Kind::GoAway, Code::Ok);

#[tokio::test]
async fn a_service_that_has_moved_is_asked_until_the_edges_are_gone() {
    let exchange = testing::exchange();
    let mut edge = Parked::edge(&exchange, EDGE).await;
    let mut service = Parked::service(&exchange, 1, &["m"], &[]).await;
    exchange.keep_services();
    act(&exchange, &service.peer, &go_away(Code::Draining));
    assert_eq!(service.peer.stage(), Stage::Moved);
    act(&exchange, &edge.peer, &request(1, "m", b"", b""));
    exchange.let_services_go();
    assert_eq!(service.peer.stage(), Stage::Leaving);
    act(&exchange, &edge.peer, &request(2, "m", b"", b""));
    assert_eq!(codes(&edge.close()), [(2, Code::ServiceNotOnline)]);
    // The last word stands behind the last question.
    assert_eq!(kinds(&service.close()), [(Kind::Request, Code::Ok), LAST_WORD]);
}

#[tokio::test]
async fn nobody_else_is_kept() {
    let exchange = testing::exchange();
    let mut early = Parked::service(&exchange, 1, &["m"], &[]).await;
    act(&exchange, &early.peer, &go_away(Code::Draining));
    exchange.keep_services();
    let mut closing = Parked::service(&exchange, 2, &["m"], &[]).await;
    act(&exchange, &closing.peer, &go_away(Code::Ok));
    let mut edge = Parked::edge(&exchange, EDGE).await;
    act(&exchange, &edge.peer, &go_away(Code::Draining));
    exchange.let_services_go();
    let mut late = Parked::service(&exchange, 3, &["m"], &[]).await;
    act(&exchange, &late.peer, &go_away(Code::Draining));
    for parked in [&mut early, &mut closing, &mut edge, &mut late] {
        assert_eq!(parked.peer.stage(), Stage::Leaving);
        assert_eq!(kinds(&parked.close()), [LAST_WORD]);
    }
}

/// As when it says goodbye on one processor while it is asked on another.
#[tokio::test]
async fn a_question_that_comes_too_late_goes_to_another_service_or_fails() {
    let exchange = testing::exchange();
    let mut edge = Parked::edge(&exchange, EDGE).await;
    let mut leaving = Parked::service(&exchange, 1, &["m"], &[]).await;
    // It has been chosen before its stage was seen to change.
    let _ = leaving.peer.outlet().seal().unwrap();
    act(&exchange, &edge.peer, &request(1, "m", b"", b""));
    let mut other = Parked::service(&exchange, 2, &["m"], &[]).await;
    act(&exchange, &edge.peer, &request(2, "m", b"", b""));
    assert_eq!(codes(&edge.close()), [(1, Code::Disconnected)]);
    assert_eq!(kinds(&leaving.close()), [LAST_WORD]);
    assert_eq!(kinds(&other.close()), [(Kind::Request, Code::Ok)]);
    assert!(!leaving.peer.is_busy());
}
