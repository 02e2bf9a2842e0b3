//! Peers that do not read, and peers that say nothing.

use frontier_protocol::{Code, Custom, EdgeId, Flags, Hello, Kind, Publish, Role, ping};
use frontier_tests::{DEADLINE, Gateway, RawPeer, RawTcp, StallProxy, Witness, eventually, none, yamux};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;

const MIB: u64 = 1024 * 1024;

/// Publishes to an edge that does not read until the sender is told so: how many messages went before.
async fn fill(service: &mut RawPeer, edge: EdgeId, payload: &[u8]) -> u64 {
    for id in 1..100_000 {
        service.publish(id, "", Custom::tailed(b"", edge), payload);
        if id % 16 == 0 {
            service.send(|out| {
                ping(0, out);
                Ok(())
            });
            while let frame = service.frame().await
                && frame.kind != Kind::Pong
            {
                if frame.code == Code::Overloaded {
                    return id;
                }
            }
        }
    }
    panic!("no end to what an edge that does not read may be sent");
}

#[tokio::test]
async fn senders_to_a_peer_that_does_not_read_are_overloaded_and_it_is_closed() {
    let gateway = Gateway::builder().set("limits.outbox_size", "256KiB");
    let gateway = gateway.set("limits.slow_peer_timeout", "1s").start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    let mut slow = RawPeer::edge(gateway.edges()).await;
    let other = RawPeer::edge(gateway.edges()).await;
    let before = gateway.rss();
    slow.io().pause();
    let (payload, id) = (vec![0; 32 * 1024], EdgeId(slow.id()));
    fill(&mut service, id, &payload).await;
    // What the kernel holds does not count here.
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 32 * MIB, "{grown} bytes for one slow edge");
    // Nobody else is slowed down.
    witness.check().await;
    eventually(DEADLINE, "the slow edge is closed", async || {
        service.publish(200_000, "", Custom::tailed(b"", id), b"");
        loop {
            let frame = service.frame().await;
            if frame.id == 200_000 {
                return (frame.code == Code::EdgeNotOnline).then_some(());
            }
        }
    })
    .await;
    slow.io().resume();
    slow.ended().await;
    assert!(!other.is_over());
    witness.check().await;
}

/// Answers can't be refused as requests can: at twice the limit the connection is closed.
#[tokio::test]
async fn a_peer_that_asks_and_does_not_read_its_answers_is_closed() {
    let gateway = Gateway::builder().set("limits.outbox_size", "64KiB");
    let gateway = gateway.set("limits.slow_peer_timeout", "1h").start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    service.take_methods(&["m"]).await;
    let mut greedy = RawPeer::edge(gateway.edges()).await;
    let before = gateway.rss();
    let mut asked = Vec::new();
    for id in 0..500 {
        greedy.request(id, "m", none(), b"");
        asked.push(service.frame().await.id);
    }
    greedy.io().pause();
    for id in asked {
        service.respond(id, &[0; 60 * 1024]);
    }
    eventually(DEADLINE, "it is closed", async || gateway.log().find("reads too slowly")).await;
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 32 * MIB, "{grown} bytes for one greedy edge");
    service.request(1, "m", Custom::tailed(b"", EdgeId(greedy.id())), b"");
    // Whatever was not answered yet is cancelled first.
    let mut frame = service.frame().await;
    while frame.kind == Kind::Cancel {
        frame = service.frame().await;
    }
    assert_eq!((frame.kind, frame.code), (Kind::Response, Code::EdgeNotOnline));
    greedy.io().resume();
    greedy.ended().await;
    witness.check().await;
}

#[tokio::test]
async fn a_silent_peer_is_closed_after_three_heartbeats_and_one_that_pings_is_not() {
    let gateway = Gateway::builder().set("limits.heartbeat", "1s").start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    let start = Instant::now();
    let mut silent = RawPeer::edge(gateway.edges()).await;
    let mut quick =
        RawPeer::connect(gateway.edges(), &Hello { heartbeat_ms: 1000, ..RawPeer::hello(Role::Edge) })
            .await
            .unwrap();
    let mut beats = tokio::time::interval(Duration::from_millis(200));
    while !silent.is_over() {
        beats.tick().await;
        service.is_alive().await;
        quick.is_alive().await;
        assert!(start.elapsed() < DEADLINE);
    }
    assert!(start.elapsed() >= Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    assert_eq!(silent.ended().await, Some(Code::Disconnected));
    service.is_alive().await;
    quick.is_alive().await;
    service.request(1, "m", Custom::tailed(b"", EdgeId(silent.id())), b"");
    assert_eq!(service.response(1).await.0, Code::EdgeNotOnline);
}

/// Only the lane tells that a peer lives: what it sends on other streams does not.
#[tokio::test]
async fn bytes_on_streams_are_no_sign_of_life_and_those_of_a_frame_that_is_not_whole_are() {
    let gateway = Gateway::builder().set("limits.heartbeat", "1s").start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    let start = Instant::now();
    let mut streaming = RawPeer::edge(gateway.edges()).await;
    let mut first = Vec::new();
    Publish { timeout_ms: 0, topic: "t", custom: none(), payload: &1_000_000u32.to_be_bytes() }
        .encode_with(0, Flags::DETACHED, &mut first)
        .unwrap();
    let mut stream = streaming.open_with(&first).await;
    // The lane of this one goes on byte by byte.
    let mut hello = Vec::new();
    RawPeer::hello(Role::Edge).encode(&mut hello).expect("a short hello");
    let mut slow = RawTcp::connect(gateway.edges()).await;
    slow.send(&yamux::data(yamux::SYN, 1, &hello)).await;
    slow.read_until(&[0, 0, 0, 52, 2, 0, 0, 0]).await;
    let mut pings = Vec::new();
    ping(77, &mut pings);
    let mut bytes = pings.iter().cycle();
    let mut beats = tokio::time::interval(Duration::from_millis(500));
    while !streaming.is_over() {
        beats.tick().await;
        service.is_alive().await;
        let _ = stream.write_all(&[0; 10]).await;
        slow.send(&yamux::data(0, 1, &[*bytes.next().expect("no end")])).await;
        assert!(start.elapsed() < DEADLINE);
    }
    assert!(start.elapsed() >= Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(streaming.ended().await, Some(Code::Disconnected));
    let rest: Vec<u8> = bytes.take(16).copied().collect();
    slow.send(&yamux::data(0, 1, &rest)).await;
    slow.read_until(&[0, 0, 0, 0, 0, 0, 0, 77]).await;
}

/// CONF-028
#[tokio::test]
async fn a_peer_behind_a_blackhole_is_noticed_and_its_requests_fail() {
    let gateway = Gateway::builder().set("limits.heartbeat", "1s").start().await;
    let proxy = StallProxy::to(gateway.edges()).await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    let edge = RawPeer::edge(proxy.addr()).await;
    let id = EdgeId(edge.id());
    proxy.blackhole();
    let start = Instant::now();
    service.request(1, "m", Custom::tailed(b"", id), b"");
    let mut beats = tokio::time::interval(Duration::from_millis(200));
    let code = loop {
        beats.tick().await;
        service.send(|out| {
            ping(0, out);
            Ok(())
        });
        let frame = service.frame().await;
        if frame.id == 1 {
            break frame.code;
        }
    };
    assert_eq!(code, Code::Disconnected);
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
}

/// CONF-008
#[tokio::test]
async fn an_edge_that_never_acks_delays_no_messages_to_others() {
    let gateway = Gateway::start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    let mut never = RawPeer::edge(gateway.edges()).await;
    let mut other = RawPeer::edge(gateway.edges()).await;
    for id in 0..1000 {
        service.publish(id, "", Custom::tailed(b"", EdgeId(never.id())), b"");
    }
    for id in 1000..1100 {
        service.publish(id, "", Custom::tailed(b"", EdgeId(other.id())), b"");
        let frame = other.frame().await;
        other.ack(frame.id);
        assert_eq!(service.acked(id).await.0, Code::Ok);
    }
    never.frame().await;
}

/// A message that asks for no ack is lost when the receiver is full; its sender is not punished.
#[tokio::test]
async fn unacked_messages_to_a_full_peer_are_dropped_and_hurt_nobody() {
    let gateway = Gateway::builder().set("limits.outbox_size", "64KiB");
    let gateway = gateway.set("limits.slow_peer_timeout", "1h").start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    let slow = RawPeer::edge(gateway.edges()).await;
    let before = gateway.rss();
    slow.io().pause();
    let (payload, edge) = (vec![0; 32 * 1024], EdgeId(slow.id()));
    for batch in 0..100 {
        for _ in 0..8 {
            service.send(|out| {
                let custom = Custom::tailed(b"", edge);
                Publish { timeout_ms: 0, topic: "", custom, payload: &payload }.encode_with(
                    0,
                    Flags::default(),
                    out,
                )
            });
        }
        service.is_alive().await;
        assert!(!slow.is_over(), "{batch}");
    }
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 32 * MIB, "{grown} bytes");
}
