//! What no client of the original would send: only its own connection ends, and memory is bounded.

use crate::client::{Client, tail};
use frontier_geminio::{self as wire, Kind, RequestKind};
use frontier_tests::{DEADLINE, Gateway, RawTcp, eventually};
use std::time::{Duration, Instant};

/// A packet with any body.
fn packet(kind: u8, id: u64, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap();
    [&[1, kind][..], &id.to_be_bytes(), &len.to_be_bytes(), body].concat()
}

/// Bodies that no kind has, and lengths that nobody keeps.
fn nonsense() -> Vec<Vec<u8>> {
    let mut all = vec![packet(0x99, 1, b""), packet(0x21, 1, b"body"), packet(0, 0, b"")];
    for &kind in Kind::ALL {
        for len in [1, 7, 9, 12, 20, 40] {
            all.push(packet(kind as u8, 1, &vec![0xff; len]));
        }
    }
    for len in [0x7fff_ffff_u32, u32::MAX, 10 * 1024 * 1024 + 1] {
        let mut header = packet(Kind::Call as u8, 1, b"");
        header[10..].copy_from_slice(&len.to_be_bytes());
        all.push(header);
    }
    let session = 1_u64.to_be_bytes();
    let deep = [&b"{\"x\":"[..], &[b'['; 100_000]].concat();
    all.push(packet(Kind::Call as u8, 1, &[&session[..], &deep].concat()));
    for json in [&b""[..], b"{", b"[]", b"null", b"{\"value\":7}", b"{\"value\":\"!\"}", b"{\"key\":\"a\"}"] {
        for kind in [Kind::Call, Kind::Message, Kind::Response, Kind::MessageAck] {
            all.push(packet(kind as u8, 1, &[&session[..], json].concat()));
        }
    }
    all
}

#[tokio::test]
async fn nonsense_before_the_handshake_ends_its_own_connection() {
    let gateway = Gateway::start().await;
    for bytes in nonsense() {
        let mut raw = RawTcp::connect(gateway.edges()).await;
        raw.send(&bytes).await;
        raw.finish().await;
        let answer = raw.rest().await;
        assert!(answer.first() != Some(&1) || answer.get(1) == Some(&2), "{bytes:?}: {answer:?}");
    }
    Client::edge(&gateway).await.close().await;
}

#[tokio::test]
async fn nonsense_behind_the_handshake_ends_its_own_connection() {
    let gateway = Gateway::start().await;
    tokio::spawn(Client::service(&gateway, "svc", &["echo"], &[]).await.echo());
    let mut bystander = Client::edge(&gateway).await;
    for bytes in nonsense() {
        for addr in [gateway.edges(), gateway.services()] {
            let meta: &[u8] = if addr == gateway.edges() { b"" } else { b"{}" };
            let mut client = Client::connect(addr, 0, meta).await.unwrap();
            client.send_bytes(&bytes).await;
            client.send(wire::disconnect).await;
            client.finish().await;
            client.rest().await;
        }
        assert_eq!(bystander.call("echo", b"", b"x").await, Ok(b"x".to_vec()));
    }
}

#[tokio::test]
async fn a_custom_header_of_a_service_may_be_too_short_for_an_edge() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &[], &[]).await;
    for len in 0..8 {
        let custom = vec![1; len];
        assert_eq!(service.call("m", &custom, b"").await, Err("illegal edgeID".to_owned()));
        assert_eq!(service.publish("", &custom, b"").await, Err("illegal edgeID".to_owned()));
    }
    // On a wire without codes nothing is lost by it.
    service.close().await;
}

#[tokio::test]
async fn who_drips_or_says_nothing_is_dropped_in_time() {
    let gateway = Gateway::builder().set("limits.handshake_timeout", "500ms").start().await;
    let start = Instant::now();
    let mut silent = RawTcp::connect(gateway.edges()).await;
    let mut dripping = RawTcp::connect(gateway.edges()).await;
    for byte in packet(1, 1, &[0; 12]) {
        if dripping.try_send(&[byte]).await.is_err() || start.elapsed() > Duration::from_secs(5) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((silent.rest().await, dripping.rest().await), (vec![], vec![]));
    assert!(start.elapsed() < DEADLINE);
}

#[tokio::test]
async fn a_first_packet_that_is_too_long_is_not_waited_for() {
    let gateway = Gateway::start().await;
    let mut raw = RawTcp::connect(gateway.edges()).await;
    let mut header = packet(1, 1, b"");
    header[10..].copy_from_slice(&(1024 * 1024_u32).to_be_bytes());
    raw.send(&header).await;
    assert_eq!(raw.rest().await, b"");
}

#[tokio::test]
async fn a_client_that_asks_and_never_reads_is_closed() {
    let gateway = Gateway::builder()
        .set("limits.outbox_size", "64KiB")
        .set("limits.slow_peer_timeout", "1s")
        .start()
        .await;
    tokio::spawn(Client::service(&gateway, "svc", &["echo"], &[]).await.echo());
    let mut greedy = Client::edge(&gateway).await;
    let mut out = Vec::new();
    let request = wire::Request {
        kind: RequestKind::Call,
        session: 1,
        name: "echo".into(),
        custom: b""[..].into(),
        tail: None,
        payload: vec![7; 32 * 1024].into(),
        deadline: None,
    };
    for id in 1..2000 {
        out.clear();
        request.encode(id, &mut out).unwrap();
        let sent = tokio::time::timeout(Duration::from_millis(500), greedy.try_send(&out)).await;
        if !matches!(sent, Ok(Ok(()))) {
            break;
        }
    }
    let closed = async || gateway.log().find("reads too slowly");
    eventually(DEADLINE, "it is closed", closed).await;
    assert!(gateway.rss() < 300 * 1024 * 1024, "{}", gateway.rss());
}

#[tokio::test]
async fn streams_have_a_limit_and_those_beyond_it_are_closed() {
    let gateway = Gateway::builder().set("limits.streams_per_connection", 4).start().await;
    let mut service = Client::service(&gateway, "svc", &[], &[]).await;
    let mut edge = Client::edge(&gateway).await;
    for _ in 0..4 {
        edge.send(|id, out| {
            let open = wire::Open { number: id + 1, chooses: true, peer: "svc".to_owned(), meta: Vec::new() };
            open.encode(id, out).unwrap();
        })
        .await;
    }
    service.accept().await;
    let beyond = edge
        .send(|id, out| {
            let open = wire::Open { number: id + 1, chooses: true, peer: "svc".to_owned(), meta: Vec::new() };
            open.encode(id, out).unwrap();
        })
        .await;
    edge.wait(|frame| frame.kind == Kind::OpenAck && frame.id == beyond).await;
    edge.dismissed(beyond + 1).await;
    assert_eq!(service.call("m", &tail(4711), b"").await, Err("edge not online".to_owned()));
}

#[tokio::test]
async fn what_comes_for_no_stream_is_passed_over() {
    let gateway = Gateway::start().await;
    tokio::spawn(Client::service(&gateway, "svc", &["echo"], &[]).await.echo());
    let mut edge = Client::edge(&gateway).await;
    edge.write(99, b"bytes").await;
    edge.write(1, b"bytes").await;
    edge.ask(RequestKind::Call, 99, "m", b"", b"").await;
    let ack = wire::OpenAck { number: 99, session: 99, error: String::new() };
    edge.send(|id, out| ack.encode(id, out).unwrap()).await;
    edge.send(|id, out| wire::Reply::encode(id, RequestKind::Call, 1, b"", Ok(b""), out).unwrap()).await;
    let id = edge.send(|id, out| wire::dismiss(id, 99, out)).await;
    edge.wait(|frame| frame.id == id && frame.kind == Kind::Dismissed).await;
    assert_eq!(edge.call("echo", b"", b"x").await, Ok(b"x".to_vec()));
}
