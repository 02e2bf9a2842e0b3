//! Stages, silence, slowness and size of a peer.

use super::*;
use crate::testing::{self, Recorder};
use frontier_protocol::Code;

fn peer() -> (Peer, Recorder) {
    let outlet = Recorder::default();
    let silence = Duration::from_secs(60);
    (Peer::new(testing::edge(1), Epoch(1), Some(testing::ADDR), Box::new(outlet.clone()), silence), outlet)
}

#[test]
fn a_stage_that_has_passed_does_not_come_back() {
    let (peer, _) = peer();
    assert_eq!(peer.stage(), Stage::Joining);
    for (to, then) in [
        (Stage::Online, Stage::Online),
        (Stage::Moved, Stage::Moved),
        (Stage::Online, Stage::Moved),
        (Stage::Leaving, Stage::Leaving),
        (Stage::Online, Stage::Leaving),
        (Stage::Gone, Stage::Gone),
        (Stage::Leaving, Stage::Gone),
    ] {
        peer.advance(to);
        let takes = matches!(then, Stage::Online | Stage::Moved);
        assert_eq!((peer.stage(), peer.is_online()), (then, takes));
    }
}

#[test]
fn silence_counts_from_the_first_word() {
    let (peer, _) = peer();
    assert!(!peer.is_silent(1_000_000));
    peer.hear(100_000);
    assert!(!peer.is_silent(90_000) && !peer.is_silent(160_000));
    assert!(peer.is_silent(160_001));
}

#[test]
fn a_peer_is_stuck_when_what_waits_does_not_move_for_so_long() {
    let (peer, outlet) = peer();
    let reply = testing::outcome(Code::Ok, "");
    let _ = peer.outlet().reply(1, crate::RequestKind::Call, None, reply).unwrap();
    // It has just come: however late it is, nothing has waited for long.
    assert!(!peer.is_stuck(1_000, 30, peer.outlet().backlog()));
    assert!(!peer.is_stuck(1_029, 30, peer.outlet().backlog()));
    assert!(peer.is_stuck(1_030, 30, peer.outlet().backlog()));
    outlet.set_written(100);
    assert!(
        !peer.is_stuck(1_040, 30, peer.outlet().backlog())
            && !peer.is_stuck(1_069, 30, peer.outlet().backlog()),
        "it reads, if slowly"
    );
    assert!(peer.is_stuck(1_070, 30, peer.outlet().backlog()));
}

#[test]
fn an_idle_peer_is_never_stuck() {
    let (peer, _) = peer();
    assert!(
        !peer.is_stuck(0, 30, peer.outlet().backlog())
            && !peer.is_stuck(1_000, 30, peer.outlet().backlog())
            && !peer.is_stuck(9_000, 30, peer.outlet().backlog())
    );
}

#[test]
fn a_peer_is_busy_while_anything_waits_or_a_stream_is_open() {
    let (peer, outlet) = peer();
    assert!(!peer.is_busy() && !peer.has_pending());
    outlet.set_streams(1);
    assert!(peer.is_busy() && !peer.has_pending());
    outlet.set_streams(0);
    let _ = peer.outlet().seal().unwrap();
    assert!(peer.is_busy());
    outlet.take();
    assert!(!peer.is_busy());
}

#[test]
fn an_idle_peer_is_small() {
    assert!(size_of::<Peer>() <= 360, "{} bytes", size_of::<Peer>());
}
