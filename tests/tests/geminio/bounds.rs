//! Floods, lengths and limits on this wire: what our own wire's clients may make the gateway hold, these may as well, and no more.

use crate::client::{Client, tail};
use frontier_geminio::{self as wire, Frame, Kind, Packet, Reply, RequestKind};
use frontier_tests::{DEADLINE, Gateway, RawTcp, eventually};
use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// A gateway whose clients may have little wait for them, and a service that answers `echo`.
async fn tight() -> Gateway {
    let gateway = Gateway::builder()
        .set("limits.outbox_size", "64KiB")
        .set("limits.slow_peer_timeout", "1s")
        .start()
        .await;
    tokio::spawn(Client::service(&gateway, "svc", &["echo"], &[]).await.echo());
    gateway
}

/// Sends these bytes again and again, and reads nothing, until the gateway takes no more: it has closed the connection by then,
/// and others go on.
async fn flood(gateway: &Gateway, mut client: Client, bytes: &[u8]) {
    let before = gateway.rss();
    let many = bytes.repeat(64 * 1024 / bytes.len() + 1);
    for _ in 0..2000 {
        let sent = tokio::time::timeout(Duration::from_millis(500), client.try_send(&many)).await;
        if !matches!(sent, Ok(Ok(()))) {
            break;
        }
    }
    let closed = async || gateway.log().find("reads too slowly");
    eventually(DEADLINE, "it is closed", closed).await;
    assert!(gateway.rss() < before + 64 * MIB, "from {before} to {}", gateway.rss());
    let mut bystander = Client::edge(gateway).await;
    assert_eq!(bystander.call("echo", b"", b"x").await, Ok(b"x".to_vec()));
}

#[tokio::test]
async fn heartbeats_whose_answers_nobody_reads_are_bounded() {
    let gateway = tight().await;
    let heartbeat = [&[1, Kind::Heartbeat as u8][..], &[7; 8], &[0; 4]].concat();
    flood(&gateway, Client::edge(&gateway).await, &heartbeat).await;
}

#[tokio::test]
async fn streams_that_are_opened_without_end_are_bounded() {
    let gateway = tight().await;
    let mut opens = Vec::new();
    for number in 100..1100 {
        let open = wire::Open { number, chooses: true, peer: "nobody".to_owned(), meta: Vec::new() };
        open.encode(number, &mut opens).unwrap();
    }
    flood(&gateway, Client::edge(&gateway).await, &opens).await;
}

#[tokio::test]
async fn registrations_whose_answers_nobody_reads_are_bounded() {
    let gateway = tight().await;
    let mut registers = Vec::new();
    for id in 1..100 {
        wire::register(id, 1, "m", &mut registers).unwrap();
    }
    let service = Client::connect(gateway.services(), 0, br#"{"service":"greedy"}"#).await.unwrap();
    flood(&gateway, service, &registers).await;
}

#[tokio::test]
async fn an_announced_length_reserves_nothing() {
    let gateway = Gateway::start().await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(Client::edge(&gateway).await);
    }
    let before = gateway.rss();
    for client in &mut held {
        let header = [&[1, Kind::Call as u8][..], &[7; 8], &u32::try_from(9 * MIB).unwrap().to_be_bytes()];
        client.send_bytes(&[&header.concat()[..], &[b'x'; 1000]].concat()).await;
    }
    // The gateway has read them once it answers one that came later.
    let mut late = Client::edge(&gateway).await;
    assert!(late.call("m", b"", b"").await.is_err());
    assert!(gateway.rss() < before + 32 * MIB, "from {before} to {}", gateway.rss());
}

#[tokio::test]
async fn a_first_packet_may_come_in_single_bytes_and_one_cut_short_is_no_harm() {
    let gateway = Gateway::start().await;
    let mut conn = Vec::new();
    let first = wire::Conn { id: 0, heartbeat: Duration::from_secs(20), meta: b"meta".to_vec() };
    first.encode(7, &mut conn).unwrap();
    for len in 0..conn.len() {
        let mut raw = RawTcp::connect(gateway.edges()).await;
        raw.send(&conn[..len]).await;
        raw.finish().await;
        assert_eq!(raw.rest().await, b"", "{len} bytes");
    }
    let mut raw = RawTcp::connect(gateway.edges()).await;
    for byte in conn {
        raw.send(&[byte]).await;
    }
    raw.read_until(&[1, Kind::ConnAck as u8]).await;
}

#[tokio::test]
async fn an_id_that_is_used_again_before_its_answer_ends_only_that_connection() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &["m"], &[]).await;
    let (mut edge, mut other) = (Client::edge(&gateway).await, Client::edge(&gateway).await);
    let request = wire::Request {
        kind: RequestKind::Call,
        session: 1,
        name: "m".into(),
        custom: b""[..].into(),
        tail: None,
        payload: b""[..].into(),
        deadline: None,
    };
    let mut twice = Vec::new();
    request.encode(77, &mut twice).unwrap();
    request.encode(77, &mut twice).unwrap();
    edge.send_bytes(&twice).await;
    assert!(!edge.rest().await.contains(&Kind::Response));
    let (answer, ()) = tokio::join!(other.call("m", b"", b"x"), async {
        loop {
            let (id, asked) = service.asked().await;
            service.answer(id, &asked, Ok(b"y")).await;
            if &asked.payload[..] == b"x" {
                return;
            }
        }
    });
    assert_eq!(answer, Ok(b"y".to_vec()));
}

#[tokio::test]
async fn an_answer_of_the_wrong_kind_ends_the_answerer_and_fails_the_call() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &["m"], &[]).await;
    let mut edge = Client::edge(&gateway).await;
    let (answer, _) = tokio::join!(edge.call("m", b"", b""), async {
        let (id, asked) = service.asked().await;
        let ack = |_, out: &mut Vec<u8>| {
            Reply::encode(id, RequestKind::Message, asked.session, b"", Ok(b""), out).unwrap();
        };
        service.send(ack).await;
        service.rest().await
    });
    assert!(answer.is_err());
    assert_eq!(edge.call("m", b"", b"").await, Err("record not found".to_owned()));
}

#[tokio::test]
async fn the_text_of_a_limit_names_its_key() {
    let gateway = Gateway::builder()
        .set("limits.names_per_service", 2)
        .set("limits.calls_per_connection", 2)
        .set("limits.connections", 2)
        .set("limits.custom_size", "1KiB")
        .start()
        .await;
    let mut service = Client::service(&gateway, "svc", &["m"], &[]).await;
    for method in ["n", &"x".repeat(300)] {
        let id = service.send(|id, out| wire::register(id, 1, method, out).unwrap()).await;
        let frame: Frame = service.wait(|frame| frame.id == id).await;
        let Ok(Packet::Registered(1, error)) = Packet::parse(&frame) else { panic!("{frame:?}") };
        let key = if method == "n" { "" } else { "limits.name_size" };
        assert!(error.contains(key), "{method}: {error}");
    }
    let mut edge = Client::edge(&gateway).await;
    let refused = edge.call(&"x".repeat(300), b"", b"").await.unwrap_err();
    assert!(refused.contains("limits.name_size"), "{refused}");
    let refused = edge.call("m", &[7; 2000], b"").await.unwrap_err();
    assert!(refused.contains("limits.custom_size"), "{refused}");
    for method in ["edge_online", "edge_offline", "get_edge_id"] {
        assert!(edge.call(method, b"", b"{}").await.is_err(), "{method} is not for edges");
    }
    for _ in 0..2 {
        edge.ask(RequestKind::Call, 1, "m", b"", b"").await;
    }
    let refused = edge.call("m", b"", b"").await.unwrap_err();
    assert!(refused.contains("limits.calls_per_connection"), "{refused}");
    let another = Client::edge(&gateway).await;
    let refused = Client::connect(gateway.edges(), 0, b"").await.err().unwrap();
    assert!(refused.contains("limits.connections"), "{refused}");
    assert_eq!(service.call("m", &tail(another.id + 1), b"").await, Err("edge not online".to_owned()));
}
