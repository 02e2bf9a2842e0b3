//! Bytes on the lane after the handshake that are no frames, or frames that must not come.

use frontier_protocol::{
    Cancel, Code, Custom, Flags, GoAway, Kind, Names, Register, Registration, Request, Response, Role, Side,
    data_end, ping,
};
use frontier_tests::{Gateway, RawPeer, RawTcp, Witness, yamux};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const MIB: u64 = 1024 * 1024;

/// A header of 16 bytes.
fn header(length: u32, kind: u8, flags: u8) -> Vec<u8> {
    let mut header = length.to_be_bytes().to_vec();
    header.extend_from_slice(&[kind, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    header
}

/// Sends bytes after the handshake, which must end the connection as a breach.
async fn breaks(gateway: &Gateway, bytes: &[u8]) {
    let mut edge = RawPeer::edge(gateway.edges()).await;
    edge.send_bytes(bytes);
    assert_eq!(edge.ended().await, Some(Code::Protocol), "{:?}", &bytes[..bytes.len().min(32)]);
}

/// CONF-010
#[tokio::test]
async fn garbage_ends_only_its_own_connection() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut noise = StdRng::seed_from_u64(2);
    for round in 0..50 {
        let mut bytes = vec![0; 16 + round * 61];
        noise.fill_bytes(&mut bytes);
        // Too long for a frame, or too short.
        bytes[..4].copy_from_slice(if round % 2 == 0 { &[0xff; 4] } else { &[0; 4] });
        breaks(&gateway, &bytes).await;
    }
    witness.check().await;
}

/// CONF-010
#[tokio::test]
async fn a_length_below_a_header_ends_the_connection() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    for length in 0..12 {
        breaks(&gateway, &header(length, Kind::Ping as u8, 0)).await;
    }
    witness.check().await;
}

/// CONF-010
#[tokio::test]
async fn an_announced_length_reserves_nothing() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let before = gateway.rss();
    for length in [u32::MAX, u32::MAX - 3, 1 << 31, 256 * 1024 - 3] {
        breaks(&gateway, &header(length, Kind::Request as u8, 0)).await;
    }
    // The longest that may be: it is waited for, but only what has come is held.
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let edge = RawPeer::edge(gateway.edges()).await;
        edge.send_bytes(&header(256 * 1024 - 4, Kind::Request as u8, 0));
        waiting.push(edge);
    }
    witness.check().await;
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 20 * MIB, "{grown} bytes for 100 headers");
}

/// CONF-010
#[tokio::test]
async fn a_frame_cut_short_by_the_end_is_no_harm() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut lane = Vec::new();
    RawPeer::hello(Role::Edge).encode(&mut lane).unwrap();
    ping(1, &mut lane);
    for len in 0..lane.len() {
        let mut peer = RawTcp::connect(gateway.edges()).await;
        peer.send(&yamux::data(yamux::SYN | yamux::FIN, 1, &lane[..len])).await;
        peer.finish().await;
        peer.rest().await;
    }
    witness.check().await;
}

/// CONF-010
#[tokio::test]
async fn an_unknown_kind_is_a_breach_unless_it_may_be_skipped() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let unknown = |kind: &u8| Kind::from_wire(*kind).is_none();
    for kind in (0..=u8::MAX).filter(unknown).step_by(16) {
        breaks(&gateway, &header(12, kind, 0)).await;
    }
    let mut edge = RawPeer::edge(gateway.edges()).await;
    for kind in (0..=u8::MAX).filter(unknown) {
        let mut skipped = header(12 + 5, kind, Flags::SKIPPABLE.0);
        skipped.extend_from_slice(b"bytes");
        edge.send_bytes(&skipped);
    }
    edge.send(|out| {
        ping(9, out);
        Ok(())
    });
    let pong = edge.frame().await;
    assert_eq!((pong.kind, pong.id), (Kind::Pong, 9));
    witness.check().await;
}

#[tokio::test]
async fn frames_of_the_wrong_side_end_the_connection() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    for role in [Role::Edge, Role::Service] {
        for &kind in Kind::ALL {
            if Side::Dialler(role).may_send(kind) {
                continue;
            }
            let mut peer = match role {
                Role::Edge => RawPeer::edge(gateway.edges()).await,
                Role::Service | Role::Frontier => RawPeer::service(gateway.services(), "s", &[]).await,
            };
            peer.send_bytes(&header(12, kind as u8, 0));
            assert_eq!(peer.ended().await, Some(Code::Protocol), "{kind:?} from {role:?}");
        }
    }
    breaks(&gateway, &data_end()).await;
    witness.check().await;
}

/// Older gateways do not know it, so an edge has to ask first.
#[tokio::test]
async fn an_edge_must_not_register_unless_that_was_agreed_on() {
    let gateway = Gateway::start().await;
    for change in [Registration::Add, Registration::Remove] {
        let mut bytes = Vec::new();
        Register { change, of: Names::Methods, names: vec!["echo"] }.encode(1, &mut bytes).unwrap();
        breaks(&gateway, &bytes).await;
    }
}

#[tokio::test]
async fn a_body_cut_anywhere_ends_the_connection() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut whole = Vec::new();
    let custom = Custom::plain(b"custom");
    Request { timeout_ms: 1000, method: "method", custom, payload: b"" }.encode(1, &mut whole).unwrap();
    for len in 16..whole.len() {
        let mut cut = whole[..len].to_vec();
        cut[..4].copy_from_slice(&u32::try_from(len - 4).unwrap().to_be_bytes());
        breaks(&gateway, &cut).await;
    }
    // A name that is not UTF-8.
    let at = whole.windows(6).position(|window| window == b"method").unwrap();
    whole[at] = 0xff;
    breaks(&gateway, &whole).await;
    let mut notice = Vec::new();
    GoAway::new(Code::Ok, 0, "t").encode(&mut notice).unwrap();
    notice.truncate(18);
    notice[3] = 14;
    breaks(&gateway, &notice).await;
    witness.check().await;
}

/// A detached payload has no place on the lane.
#[tokio::test]
async fn a_detached_frame_on_the_lane_ends_the_connection() {
    let gateway = Gateway::start().await;
    let custom = Custom::plain(b"");
    let mut request = Vec::new();
    Request { timeout_ms: 0, method: "m", custom, payload: &[0, 1, 0, 0] }
        .encode_with(1, Flags::DETACHED, &mut request)
        .unwrap();
    breaks(&gateway, &request).await;
    let mut response = Vec::new();
    Response { code: Code::Ok, detail: 0, custom, payload: &[0, 1, 0, 0] }
        .encode_with(1, Flags::DETACHED, &mut response)
        .unwrap();
    breaks(&gateway, &response).await;
}

/// Late ones look the same: nobody can tell them apart.
#[tokio::test]
async fn answers_and_cancels_for_nothing_are_passed_over() {
    let gateway = Gateway::start().await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    for id in [0, 1, u64::MAX, 1 << 32] {
        edge.send(|out| Response::error(Code::Ok, "").encode_with(id, Flags::default(), out));
        edge.send(|out| Cancel::encode(id, out));
        edge.send_bytes(&[&header(16, Kind::Ack as u8, 0)[..], &[0; 4]].concat());
    }
    edge.send(|out| {
        ping(3, out);
        Ok(())
    });
    assert_eq!(edge.frame().await.kind, Kind::Pong);
}
