//! Frames of the multiplexer, made by hand.

use frontier_protocol::Role;
use frontier_tests::{DEADLINE, Gateway, RawPeer, RawTcp, Witness, eventually, yamux};

const MIB: u64 = 1024 * 1024;

/// A connection after a good handshake of an edge.
async fn welcomed(gateway: &Gateway) -> RawTcp {
    let mut hello = Vec::new();
    RawPeer::hello(Role::Edge).encode(&mut hello).expect("a short hello");
    let mut peer = RawTcp::connect(gateway.edges()).await;
    peer.send(&yamux::data(yamux::SYN, 1, &hello)).await;
    peer.read_until(&[0, 0, 0, 52, 2, 0, 0, 0]).await;
    peer
}

/// Each must end its connection, though the peer keeps its half open.
async fn end_it(frames: impl IntoIterator<Item = Vec<u8>>) {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    for frame in frames {
        let mut peer = welcomed(&gateway).await;
        peer.send(&frame).await;
        peer.rest().await;
        witness.check().await;
    }
}

#[tokio::test]
async fn frames_that_are_none_end_only_their_connection() {
    let mut version = yamux::header(yamux::PING, yamux::SYN, 0, 1);
    version[0] = 1;
    end_it([version, yamux::header(77, 0, 0, 0), yamux::header(yamux::DATA, 0, 1, u32::MAX)]).await;
}

#[tokio::test]
async fn the_end_of_the_lane_is_the_end_of_the_connection() {
    let end = |flags| yamux::header(yamux::DATA, flags, 1, 0);
    end_it([end(yamux::RST), end(yamux::FIN), yamux::header(yamux::GO_AWAY, 0, 0, 1)]).await;
}

/// A peer that takes no more streams goes on with what is in flight, and its lane with it.
#[tokio::test]
async fn a_go_away_without_an_error_ends_nothing() {
    let gateway = Gateway::start().await;
    let mut peer = welcomed(&gateway).await;
    peer.send(&yamux::header(yamux::GO_AWAY, 0, 0, 0)).await;
    let mut ping = Vec::new();
    frontier_protocol::ping(77, &mut ping);
    peer.send(&yamux::data(0, 1, &ping)).await;
    peer.read_until(&[0, 0, 0, 0, 0, 0, 0, 77]).await;
}

/// Whoever waits for it longer than its mux allows would end the connection.
#[tokio::test]
async fn streams_are_acknowledged_though_nobody_answers_on_them() {
    let gateway = Gateway::start().await;
    let mut peer = welcomed(&gateway).await;
    peer.send(&yamux::data(yamux::SYN, 3, b"")).await;
    peer.read_until(&yamux::header(yamux::WINDOW_UPDATE, yamux::ACK, 3, 0)).await;
}

/// The answer to each ping, in order, though they come at once.
#[tokio::test]
async fn pings_of_the_multiplexer_are_answered() {
    let gateway = Gateway::start().await;
    let mut peer = welcomed(&gateway).await;
    let ping = |value| yamux::header(yamux::PING, yamux::SYN, 0, value);
    peer.send(&[ping(5), ping(6)].concat()).await;
    let pong = |value| yamux::header(yamux::PING, yamux::ACK, 0, value);
    peer.read_until(&[pong(5), pong(6)].concat()).await;
}

#[tokio::test]
async fn frames_that_break_the_rules_end_only_their_connection() {
    end_it([
        // A stream that is there already.
        yamux::data(yamux::SYN, 1, b"again"),
        // Streams of the gateway's numbers.
        yamux::data(yamux::SYN, 2, b"even"),
        yamux::data(yamux::SYN, 0, b"none"),
        // More than the window.
        yamux::data(0, 1, &[0; 300 * 1024]),
    ])
    .await;
}

#[tokio::test]
async fn frames_for_streams_that_are_not_there_reserve_nothing() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let before = gateway.rss();
    let mut peer = welcomed(&gateway).await;
    for stream in (3..20_001).step_by(2) {
        let mut bytes = yamux::header(yamux::WINDOW_UPDATE, 0, stream, 1000);
        bytes.extend_from_slice(&yamux::data(0, stream, b"to nobody"));
        if peer.try_send(&bytes).await.is_err() {
            break;
        }
    }
    witness.check().await;
    assert!(gateway.rss().saturating_sub(before) < 16 * MIB);
}

#[tokio::test]
async fn a_flood_of_streams_ends_only_its_connection_and_memory_stays_bounded() {
    let gateway = Gateway::builder().set("limits.streams_per_connection", 64).start().await;
    let mut witness = Witness::new(&gateway).await;
    let before = gateway.rss();
    let mut peer = welcomed(&gateway).await;
    for stream in (3..200_001).step_by(2) {
        if peer.try_send(&yamux::data(yamux::SYN, stream, b"")).await.is_err() {
            break;
        }
    }
    peer.rest().await;
    witness.check().await;
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes");
    let lines = gateway.log().lines().len();
    assert!(lines < 1000, "one peer has the gateway print {lines} lines");
}

/// Each stream is reset as soon as it is there.
#[tokio::test]
async fn streams_opened_and_reset_without_end_are_no_burden() {
    let gateway = Gateway::builder().set("limits.streams_per_connection", 64).start().await;
    let mut witness = Witness::new(&gateway).await;
    let before = gateway.rss();
    let mut peer = welcomed(&gateway).await;
    for stream in (3..40_001).step_by(2) {
        let mut bytes = yamux::data(yamux::SYN, stream, b"\0\0");
        bytes.extend_from_slice(&yamux::header(yamux::DATA, yamux::RST, stream, 0));
        if peer.try_send(&bytes).await.is_err() {
            break;
        }
    }
    witness.check().await;
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes");
}

/// Pings whose answers nobody reads must not pile up.
#[tokio::test]
async fn a_flood_of_pings_is_bounded() {
    let gateway = Gateway::builder().set("limits.slow_peer_timeout", "1s").start().await;
    let mut witness = Witness::new(&gateway).await;
    let before = gateway.rss();
    let mut peer = welcomed(&gateway).await;
    let pings = yamux::header(yamux::PING, yamux::SYN, 0, 7).repeat(1000);
    let flood = tokio::spawn(async move { while peer.try_send_now(&pings).await {} });
    for _ in 0..20 {
        witness.check().await;
    }
    eventually(DEADLINE, "the flood stalls or ends", async || flood.is_finished().then_some(())).await;
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 32 * MIB, "{grown} bytes");
    witness.check().await;
}
