//! Bytes that come before any handshake.

use frontier_protocol::Role;
use frontier_tests::{DEADLINE, Gateway, RawPeer, RawTcp, Witness, yamux};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::{Duration, Instant};

/// CONF-010
#[tokio::test]
async fn garbage_ends_only_its_own_connection() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut noise = StdRng::seed_from_u64(1);
    for round in 0..32 {
        let mut bytes = vec![0; 1 + round * 37];
        noise.fill_bytes(&mut bytes);
        // Another version of the multiplexer, whatever follows.
        bytes[0] |= 1;
        for addr in [gateway.edges(), gateway.services()] {
            let mut peer = RawTcp::connect(addr).await;
            peer.send(&bytes).await;
            peer.finish().await;
            peer.rest().await;
        }
    }
    witness.check().await;
}

/// CONF-010
#[tokio::test]
async fn other_protocols_are_not_understood_and_not_waited_for() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    for hello in [
        &b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client would go on",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut peer = RawTcp::connect(gateway.edges()).await;
        peer.send(hello).await;
        // The peer keeps its half open: the gateway ends the connection.
        peer.rest().await;
    }
    witness.check().await;
}

#[tokio::test]
async fn silence_is_ended_by_the_handshake_timeout() {
    let gateway = Gateway::builder().set("limits.handshake_timeout", "300ms").start().await;
    let start = Instant::now();
    let mut silent = RawTcp::connect(gateway.edges()).await;
    let mut half = RawTcp::connect(gateway.services()).await;
    // A stream, but no frame on it.
    half.send(&yamux::data(yamux::SYN, 1, b"")).await;
    silent.rest().await;
    half.rest().await;
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_hello_that_drips_in_does_not_outlast_the_handshake_timeout() {
    let gateway = Gateway::builder().set("limits.handshake_timeout", "500ms").start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut hello = Vec::new();
    RawPeer::hello(Role::Edge).encode(&mut hello).unwrap();
    let start = Instant::now();
    let mut peer = RawTcp::connect(gateway.edges()).await;
    peer.send(&yamux::data(yamux::SYN, 1, &hello[..1])).await;
    let mut drips = tokio::time::interval(Duration::from_millis(50));
    for byte in hello[1..].chunks(1) {
        drips.tick().await;
        if peer.try_send(&yamux::data(0, 1, byte)).await.is_err() {
            break;
        }
    }
    let took = start.elapsed();
    assert!(took < Duration::from_millis(50) * u32::try_from(hello.len()).unwrap(), "{took:?}");
    peer.rest().await;
    assert!(start.elapsed() < DEADLINE);
    witness.check().await;
}

#[tokio::test]
async fn a_hello_in_single_bytes_is_a_hello() {
    let gateway = Gateway::start().await;
    let mut hello = Vec::new();
    RawPeer::hello(Role::Edge).encode(&mut hello).unwrap();
    let mut peer = RawTcp::connect(gateway.edges()).await;
    for (at, byte) in hello.chunks(1).enumerate() {
        let flags = if at == 0 { yamux::SYN } else { 0 };
        for byte in yamux::data(flags, 1, byte) {
            peer.send(&[byte]).await;
        }
    }
    let welcome = [0, 0, 0, 52, 2, 0, 0, 0];
    peer.read_until(&welcome).await;
}

/// CONF-010
#[tokio::test]
async fn a_stream_before_the_handshake_ends_the_connection() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut peer = RawTcp::connect(gateway.edges()).await;
    peer.send(&yamux::data(yamux::SYN, 1, b"")).await;
    peer.send(&yamux::data(yamux::SYN, 3, b"too early")).await;
    peer.rest().await;
    witness.check().await;
}

#[tokio::test]
async fn many_silent_connections_do_not_keep_others_out() {
    let gateway = Gateway::builder().set("limits.handshake_timeout", "60s").start().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(RawTcp::connect(gateway.edges()).await);
    }
    Witness::new(&gateway).await.check().await;
}
