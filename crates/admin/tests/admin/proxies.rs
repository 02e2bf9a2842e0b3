//! Where requests come from: through proxies, and over sockets of IPv6.

use crate::world::{World, config, within};
use frontier_admin::Server;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Who the server takes for the client of a request with these lines.
async fn caller(world: &World, lines: &str) -> (String, u64) {
    let (status, _, body) = world.send(&format!("GET /caller HTTP/1.1{lines}")).await;
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    (body["ip"].as_str().unwrap().to_owned(), body["port"].as_u64().unwrap())
}

#[tokio::test]
async fn trusted_proxies_alone_say_for_whom_they_ask() {
    let forwarded = "\r\nx-forwarded-for: 203.0.113.9, ::ffff:192.0.2.7";
    let world = World::with("listen: {trusted_proxies: [127.0.0.0/8]}").await;
    assert_eq!(caller(&world, forwarded).await, ("192.0.2.7".to_owned(), 0));
    assert_eq!(caller(&world, "").await.0, "127.0.0.1");
    assert_eq!(caller(&world, "\r\nforwarded: for=192.0.2.7").await.0, "127.0.0.1", "that is not its header");
    let world = World::with("listen: {trusted_proxies: [10.0.0.0/8]}").await;
    let (ip, port) = caller(&world, forwarded).await;
    assert!(ip == "127.0.0.1" && port != 0, "{ip}:{port}");
    let settings = "listen: {trusted_proxies: [127.0.0.1], forwarded_header: forwarded}";
    let world = World::with(settings).await;
    assert_eq!(caller(&world, "\r\nforwarded: for=\"[2001:db8::1]:9\"").await.0, "2001:db8::1");
}

#[tokio::test]
async fn clients_of_one_connection_of_a_proxy_are_told_apart() {
    let world = World::with("listen: {trusted_proxies: [127.0.0.1]}").await;
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    for client in ["192.0.2.1", "192.0.2.2"] {
        let request = format!("GET /caller HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: {client}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with('}') {
            let mut read = [0; 4096];
            let len = within("an answer", stream.read(&mut read)).await.unwrap();
            assert!(len > 0, "closed after {answer:?}");
            answer.push_str(&String::from_utf8_lossy(&read[..len]));
        }
        assert!(answer.contains(&format!("{client:?}")), "{answer}");
    }
}

#[tokio::test]
async fn ipv4_is_itself_on_a_socket_of_ipv6() {
    let mut config = config("");
    config.addr = "[::]:0".parse().unwrap();
    let server = Server::bind("test server", &config).unwrap();
    let mut world = World::on(server, Duration::from_secs(5)).await;
    world.addr = ([127, 0, 0, 1], world.addr.port()).into();
    assert_eq!(caller(&world, "").await.0, "127.0.0.1");
}
