//! HAProxy in front: it says for whom it connects, in a header of the PROXY protocol or in a field of HTTP.

use frontier_sdk::Edge;
use frontier_tests::{DEADLINE, Gateway, Network, Presence, Process, eventually, replace, tool};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use tokio::net::TcpStream;

/// A port that nobody has now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// HAProxy on a port of its own, in this mode, with more about the server behind it.
async fn haproxy(gateway: &Gateway, mode: &str, more: &str) -> (Process, SocketAddr) {
    let (addr, behind) = (free(), gateway.edges());
    // It connects from an address of its own, so that the client's is another one.
    let config = format!(
        "defaults\n mode {mode}\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n timeout tunnel 60s\n\
         listen edges\n bind {addr}\n server gateway {behind} source 127.0.0.9 {more}\n"
    );
    let file = gateway.dir().join("haproxy.cfg");
    replace(&file, config);
    let mut command = Command::new(tool("haproxy", "haproxy"));
    command.arg("-db").arg("-f").arg(file);
    let process = Process::spawn("haproxy", command);
    eventually(DEADLINE, "it listens", async || TcpStream::connect(addr).await.ok()).await;
    (process, addr)
}

/// Has an edge connect by `url`, and answers where a service is told that it connects from.
async fn seen(gateway: &Gateway, url: String) -> String {
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let edge = Edge::builder(url).tls(gateway.tls()).connect_timeout(DEADLINE).connect().await.unwrap();
    let heard = eventually(DEADLINE, "a service hears of it", async || {
        presence.all().into_iter().find(|(_, event)| event.id == edge.id()).map(|(_, event)| event.addr)
    });
    heard.await
}

#[tokio::test]
async fn its_headers_tell_the_client() {
    for (version, server) in [("v1", "send-proxy"), ("v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id")]
    {
        let gateway = Gateway::over(Network::Tls)
            .set("edgebound.listen.proxy_protocol", version)
            .set("edgebound.listen.trusted_proxies", json!(["127.0.0.9"]));
        let gateway = gateway.start().await;
        let (_haproxy, addr) = haproxy(&gateway, "tcp", server).await;
        let seen = seen(&gateway, format!("tls://{addr}")).await;
        assert!(seen.starts_with("127.0.0.1:") && !seen.ends_with(":0"), "{seen}");
    }
}

#[tokio::test]
async fn its_field_tells_the_client_of_a_websocket() {
    for (rule, field) in [
        ("option forwardfor", "x-forwarded-for"),
        ("http-request set-header Forwarded \"for=%[src];proto=http\"", "forwarded"),
    ] {
        let gateway = Gateway::over(Network::Ws)
            .set("edgebound.listen.forwarded_header", field)
            .set("edgebound.listen.trusted_proxies", json!(["127.0.0.9/32"]));
        let gateway = gateway.start().await;
        let (_haproxy, addr) = haproxy(&gateway, "http", &format!("\n {rule}")).await;
        assert_eq!(seen(&gateway, format!("ws://{addr}")).await, "127.0.0.1:0");
    }
}
