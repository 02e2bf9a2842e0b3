//! Proxies in front of a listener: whose word on a client's address counts, and what becomes of the others'.

use frontier_sdk::{Builder, Edge};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, Network, Presence, connect_error, eventually};
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x02\xc6\x33\x64\x01\0\x50\x01\xbb\x04\0\0";
/// As a proxy looks whether somebody listens.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// What a proxy adds to what it passes on.
#[derive(Clone, Copy)]
enum Adds {
    /// Bytes in front of everything.
    Header(&'static [u8]),
    /// A field of the HTTP request.
    Field(&'static str),
}

/// A proxy on 127.0.0.1.
async fn proxy(gateway: &Gateway, adds: Adds) -> SocketAddr {
    let (listener, to) = (TcpListener::bind("127.0.0.1:0").await.expect("a free port"), gateway.edges());
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, to, adds));
        }
    });
    addr
}

async fn pass_on(mut client: TcpStream, to: SocketAddr, adds: Adds) -> std::io::Result<()> {
    let mut gateway = TcpStream::connect(to).await?;
    match adds {
        Adds::Header(header) => gateway.write_all(header).await?,
        Adds::Field(field) => {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await?);
            }
            head.truncate(head.len() - 2);
            gateway.write_all(&[&head, field.as_bytes(), b"\r\n\r\n"].concat()).await?;
        }
    }
    copy_bidirectional(&mut client, &mut gateway).await.map(drop)
}

fn trusting(network: Network, proxies: &[&str]) -> GatewayBuilder {
    Gateway::over(network).set("edgebound.listen.trusted_proxies", json!(proxies))
}

fn speaking(network: Network, version: &str, proxies: &[&str]) -> GatewayBuilder {
    trusting(network, proxies).set("edgebound.listen.proxy_protocol", version)
}

fn edge(gateway: &Gateway, addr: SocketAddr) -> Builder<Edge> {
    let scheme = gateway.network().as_str();
    Edge::builder(format!("{scheme}://{addr}")).tls(gateway.tls()).connect_timeout(DEADLINE)
}

/// An edge through a proxy that adds this, and where it seems to connect from.
async fn through(gateway: &Gateway, adds: Adds) -> (Edge, String) {
    let service = gateway.service("s").connect().await.expect("a service gets in");
    let presence = Presence::of(&service).await.expect("presence is told");
    let edge = edge(gateway, proxy(gateway, adds).await).connect().await.expect("an edge gets in");
    let heard = eventually(DEADLINE, "a service hears of it", async || {
        presence.all().into_iter().find(|(_, event)| event.id == edge.id()).map(|(_, event)| event.addr)
    });
    let addr = heard.await;
    (edge, addr)
}

#[tokio::test]
async fn the_client_in_the_header_of_a_trusted_proxy_is_who_connects() {
    for network in [Network::Tcp, Network::Tls, Network::Ws] {
        let gateway = speaking(network, "any", &["127.0.0.1"]).set("limits.connections_per_address", 1);
        let gateway = gateway.start().await;
        let (_first, addr) = through(&gateway, Adds::Header(V1)).await;
        assert_eq!(addr, "192.0.2.1:56324");
        let (_second, addr) = through(&gateway, Adds::Header(V2)).await;
        assert_eq!(addr, "192.0.2.2:80");
        let (_itself, addr) = through(&gateway, Adds::Header(LOCAL)).await;
        assert!(addr.starts_with("127.0.0.1:"), "{addr}");
        let again = proxy(&gateway, Adds::Header(V2)).await;
        let told = connect_error(|| edge(&gateway, again)).await;
        assert!(told.contains("1 connections from this address are open"), "{told}");
    }
}

#[tokio::test]
async fn a_header_from_elsewhere_is_refused_and_without_one_strangers_come_for_themselves() {
    let gateway = speaking(Network::Tcp, "v2", &["10.0.0.0/8"]).start().await;
    let behind = proxy(&gateway, Adds::Header(V2)).await;
    connect_error(|| edge(&gateway, behind)).await;
    let line = gateway.log().find("not in `trusted_proxies`").expect("it is logged");
    assert!(line.contains("127.0.0.1:") && line.contains("WARN"), "{line}");
    gateway.edge().connect().await.unwrap();
}

#[tokio::test]
async fn a_header_that_nobody_asked_for_is_told_of_with_the_key() {
    for header in [V1, V2] {
        for network in [Network::Tcp, Network::Tls] {
            let gateway = Gateway::over(network).start().await;
            let behind = proxy(&gateway, Adds::Header(header)).await;
            connect_error(|| edge(&gateway, behind)).await;
            let line = gateway.log().line("`edgebound.listen.proxy_protocol` is off").await;
            assert!(line.contains("WARN"), "{line}");
        }
    }
}

#[tokio::test]
async fn a_trusted_proxy_must_send_the_header_that_is_asked_for() {
    // Each has a gateway of its own, since there are few lines of this kind in a second.
    let strict = async || speaking(Network::Tls, "v2", &["127.0.0.1"]).start().await;
    let gateway = strict().await;
    connect_error(|| gateway.edge()).await;
    gateway.log().line("`proxy_protocol_optional`").await;
    for (header, text) in
        [(V1, "in the other version than `proxy_protocol` says"), (b"PROXY TCP9\r\n", "malformed header")]
    {
        let gateway = strict().await;
        let behind = proxy(&gateway, Adds::Header(header)).await;
        connect_error(|| edge(&gateway, behind)).await;
        gateway.log().line(text).await;
    }
    let optional = speaking(Network::Tls, "v2", &["127.0.0.1"]);
    let optional = optional.set("edgebound.listen.proxy_protocol_optional", true).start().await;
    optional.edge().connect().await.unwrap();
    through(&optional, Adds::Header(V2)).await;
}

#[tokio::test]
async fn half_a_header_is_waited_for_no_longer_than_a_handshake() {
    let gateway = speaking(Network::Tcp, "any", &["127.0.0.1"]).set("limits.handshake_timeout", "200ms");
    let gateway = gateway.start().await;
    for half in [&V1[..20], &V2[..20], b""] {
        let mut io = TcpStream::connect(gateway.edges()).await.unwrap();
        io.write_all(half).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(DEADLINE, io.read_to_end(&mut answer));
        let _ = ended.await.expect("it is dropped");
    }
}

#[tokio::test]
async fn over_websocket_the_nearest_hop_that_is_not_trusted_is_who_connects() {
    let gateway = trusting(Network::Ws, &["127.0.0.1", "10.0.0.0/8"]).start().await;
    for (field, addr) in [
        ("X-Forwarded-For: 192.0.2.1", "192.0.2.1:0"),
        ("x-forwarded-for: 6.6.6.6, 192.0.2.2, 10.0.0.1", "192.0.2.2:0"),
    ] {
        assert_eq!(through(&gateway, Adds::Field(field)).await.1, addr);
    }
    let other = "Forwarded: for=192.0.2.3";
    assert!(through(&gateway, Adds::Field(other)).await.1.starts_with("127.0.0.1:"));
    let gateway = trusting(Network::Ws, &["127.0.0.1"]).set("edgebound.listen.forwarded_header", "forwarded");
    let gateway = gateway.start().await;
    assert_eq!(through(&gateway, Adds::Field(other)).await.1, "192.0.2.3:0");
    let stranger = trusting(Network::Ws, &["10.0.0.1"]).start().await;
    let field = "X-Forwarded-For: 192.0.2.1";
    assert!(through(&stranger, Adds::Field(field)).await.1.starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn pages_may_have_browsers_connect_only_from_where_it_is_allowed() {
    let gateway = Gateway::over(Network::Ws).start().await;
    let page = Adds::Field("Origin: https://app.example");
    let from_page = proxy(&gateway, page).await;
    let told = connect_error(|| edge(&gateway, from_page)).await;
    assert!(told.contains("403 Forbidden"), "{told}");
    gateway.log().line("its origin is not in `allowed_origins`").await;
    let allowed = json!(["https://*.example", "https://app.example"]);
    let gateway = Gateway::over(Network::Ws).set("edgebound.listen.allowed_origins", allowed).start().await;
    through(&gateway, page).await;
    gateway.edge().connect().await.unwrap();
}
