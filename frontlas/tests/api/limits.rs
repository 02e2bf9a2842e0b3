//! What peers may make it hold.

use crate::switch::State;
use crate::world::{World, within};
use frontier_api::cluster::{GetEdgesCountRequest, ListFrontiersRequest};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

#[tokio::test]
async fn a_request_has_its_time() {
    let world = World::with("request_timeout: 100ms").await;
    world.directory.set(State::Hangs);
    assert_eq!(world.error("/cluster/v1/edges", 504).await.0, "DEADLINE_EXCEEDED");
    let error = world.client().await.get_edges_count(GetEdgesCountRequest {}).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_eq!(world.error("/cluster/v1/watch", 504).await.0, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_message_has_its_size() {
    let world = World::with("request_size: 64KiB").await;
    let mut client = world.client().await;
    let mut of = async |bytes: usize| {
        let request = ListFrontiersRequest { frontier_ids: vec!["x".repeat(bytes)], ..Default::default() };
        client.list_frontiers(request).await.map(|found| found.into_inner().frontiers.len())
    };
    assert_eq!(of(60_000).await.unwrap(), 1);
    assert_eq!(of(70_000).await.unwrap_err().code(), Code::OutOfRange);
    assert_eq!(of(60_000).await.unwrap(), 1);
}

#[tokio::test]
async fn there_is_a_limit_to_connections_and_places_are_given_back() {
    let world = World::with("connections: 2").await;
    let held = [world.channel().await, world.channel().await];
    let mut turned_away = TcpStream::connect(world.addr).await.unwrap();
    let read = within("it is closed", turned_away.read(&mut [0; 16])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    drop(held);
    within("a place is given back", async {
        loop {
            let mut stream = TcpStream::connect(world.addr).await.unwrap();
            let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
            if let Ok(1..) = stream.read(&mut [0; 16]).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_connects_and_says_too_little_is_cut_off() {
    let world = World::with("handshake_timeout: 100ms").await;
    for said in ["", "P", "PRI * HTTP/2.0\r\n", "GET /livez HTTP/1.1\r\nhost: ", "GET /livez"] {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // However it ends, it ends.
        let _ = within(said, stream.read_to_end(&mut rest)).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{said}");
    }
}

#[tokio::test]
async fn a_watcher_that_takes_nothing_is_cut_off() {
    let world = World::with("slow_peer_timeout: 300ms, keepalive: 100ms, watchers: 1").await;
    let lease = world.frontier("f1").await;
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    stream.write_all(b"GET /cluster/v1/watch HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    within("its only place is free again", async {
        for round in 0_u64.. {
            world.edges(&lease, round * 1000..(round + 1) * 1000).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            if round > 20 && world.get("/cluster/v1/watch").await.status().as_u16() == 200 {
                break;
            }
        }
    })
    .await;
    let mut rest = Vec::new();
    let _ = within("its connection has ended", stream.read_to_end(&mut rest)).await;
    assert!(rest.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn noise_is_survived() {
    let world = World::new().await;
    for noise in [
        &b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /cluster/v1/edges?\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.write_all(noise).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = within("an end", stream.read_to_end(&mut Vec::new())).await;
    }
    world.ok("/cluster/v1/edges").await;
}
