//! Connections on neither wire at a listener for edges: they go on to `edgebound.bypass`.

use crate::client::Client;
use crate::observed::get;
use frontier_geminio::Kind;
use frontier_tests::{
    Authority, DEADLINE, Gateway, GatewayBuilder, RawTcp, Validity, eventually, web, within,
};
use frontier_transport::Network;
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn to(builder: GatewayBuilder, addr: &str) -> GatewayBuilder {
    builder.set("edgebound.bypass_enable", true).set("edgebound.bypass.addrs", json!([addr]))
}

/// Answers each connection with what it says, in capitals, and then an end: its address.
async fn shouting() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = Vec::new();
                connection.read_to_end(&mut heard).await.unwrap();
                connection.write_all(&heard.to_ascii_uppercase()).await.unwrap();
            });
        }
    });
    addr
}

/// What comes back for `bytes`, and then an end.
async fn said(addr: SocketAddr, pieces: &[&[u8]]) -> Vec<u8> {
    let mut raw = RawTcp::connect(addr).await;
    for piece in pieces {
        raw.send(piece).await;
    }
    raw.finish().await;
    raw.rest().await
}

#[tokio::test]
async fn what_is_on_neither_wire_goes_on_as_it_is_and_both_wires_stay() {
    let page = web::serve().await;
    let gateway = to(Gateway::builder(), &page.to_string()).start().await;
    let mut raw = RawTcp::connect(gateway.edges()).await;
    raw.send(b"GET /bytes/3000000/7 HTTP/1.1\r\n\r\n").await;
    assert!(raw.rest().await.ends_with(&web::body(3_000_000, 7)), "the page comes whole");
    Client::edge(&gateway).await.close().await;
    gateway.edge().connect().await.unwrap().close().await.unwrap();
    // It is for edges alone.
    let mut raw = RawTcp::connect(gateway.services()).await;
    raw.send(b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(!raw.rest().await.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_protocol_shows_by_its_first_bytes_however_they_come_and_however_few_they_are() {
    let gateway = to(Gateway::builder(), &shouting().await.to_string()).start().await;
    for pieces in [
        // As a broker or a database begins, with a length that is nearly a header of ours.
        &[&b"\0\0\0\x09\0\x03\0\0a"[..]][..],
        &[b"\0", b"\0", b"\0\x01\0\0\0\x02rest"],
        &[b"\x01", b"\x02more"],
        &[b"\x01"],
        &[b"\0\0\0"],
        &[b"a"],
    ] {
        assert_eq!(said(gateway.edges(), pieces).await, pieces.concat().to_ascii_uppercase());
    }
}

#[tokio::test]
async fn it_goes_on_from_a_port_with_tls_http_too() {
    let page = web::serve().await;
    let gateway = to(Gateway::over(Network::Tls), &page.to_string()).start().await;
    for alpn in [&b""[..], b"http/1.1"] {
        let mut stream = crate::client::tls(gateway.edges(), &gateway.tls(), alpn).await.unwrap();
        stream.write_all(b"GET /bytes/10/7 HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        within("an answer", stream.read_to_end(&mut answer)).await.unwrap();
        assert!(answer.ends_with(&web::body(10, 7)), "{answer:?}");
    }
    let edge = Client::dial_tls(gateway.edges(), &gateway.tls()).await.unwrap();
    edge.introduced(0, b"").await.unwrap().close().await;
    gateway.edge().connect().await.unwrap();
}

#[tokio::test]
async fn it_is_reached_over_tls_with_a_certificate_where_that_is_asked_for() {
    // A gateway that lets in clients of the original behind one that does not.
    let ca = Authority::new("gateways");
    let behind = Gateway::over(Network::Tls).mtls(&ca, &[]).start().await;
    let front = to(Gateway::builder(), &behind.edges().to_string());
    let shown = ca.client("front", &[], Validity::Now).write(front.dir(), "shown");
    let trusted = front.file("trusted.pem");
    frontier_tests::replace(&trusted, Authority::common().pem());
    let front = front
        .set("edgebound.listen.geminio", false)
        .set("edgebound.bypass.tls.enable", true)
        .set("edgebound.bypass.tls.mtls", true)
        .set("edgebound.bypass.tls.certs", json!([{ "cert": shown.cert, "key": shown.key }]))
        .set("edgebound.bypass.tls.ca_certs", json!([trusted]))
        .set("edgebound.bypass.tls.server_name", frontier_tests::SERVER_NAME)
        .start()
        .await;
    let edge = Client::edge(&front).await;
    let listed = get(behind.control().await, &format!("/v1/edges/{}", edge.id)).await;
    assert!(listed.contains("geminio+tls"), "{listed}");
    edge.close().await;
}

#[tokio::test]
async fn where_it_can_not_be_reached_the_connection_is_dropped_and_the_log_says_where_to() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gateway = to(Gateway::builder(), &nobody.to_string()).start().await;
    assert_eq!(said(gateway.edges(), &[b"GET /"]).await, b"");
    let line = async || gateway.log().find("edgebound.bypass can't be reached");
    let line = eventually(DEADLINE, "the log says so", line).await;
    assert!(line.contains(&nobody.to_string()) && line.contains("WARN"), "{line}");
}

#[tokio::test]
async fn such_connections_count_with_all_others_and_end_with_the_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let mut gateway = to(Gateway::builder(), &target.to_string())
        .set("limits.connections", 2)
        .set("limits.handshake_timeout", "500ms")
        .set("observability.enable", true)
        .set("observability.addr", "127.0.0.1:0")
        .set("daemon.grace", "1s")
        .start()
        .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut raw = RawTcp::connect(gateway.edges()).await;
        raw.send(b"hello").await;
        held.push((raw, within("it goes on", listener.accept()).await.unwrap().0));
    }
    // The third is one too many, and an edge as well.
    let mut beyond = RawTcp::connect(gateway.edges()).await;
    beyond.send(b"hello").await;
    assert_eq!(beyond.rest().await, b"");
    let refused = Client::connect(gateway.edges(), 0, b"").await.err().unwrap();
    assert!(refused.contains("limits.connections"), "{refused}");
    let metrics = crate::observed::scrape(gateway.log()).await;
    assert!(metrics.contains("frontier_bypass_connections 2\n"), "{metrics}");
    // Who says nothing has no time for it.
    drop(held.pop());
    let gone = async || {
        let metrics = crate::observed::scrape(gateway.log()).await;
        metrics.contains("frontier_bypass_connections 1\n").then_some(())
    };
    eventually(DEADLINE, "one has ended", gone).await;
    assert_eq!(RawTcp::connect(gateway.edges()).await.rest().await, b"");
    let mut edge = Client::edge(&gateway).await;
    gateway.terminate();
    assert!(edge.rest().await.contains(&Kind::Disconnect));
    let (mut raw, mut far) = held.pop().unwrap();
    let mut heard = Vec::new();
    within("the end", far.read_to_end(&mut heard)).await.unwrap();
    assert_eq!((&heard[..], raw.rest().await), (&b"hello"[..], vec![]));
    assert_eq!(gateway.process().exit().await, Some(0));
}
