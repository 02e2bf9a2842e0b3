//! What peers can make it hold, and for how long.

use crate::world::{World, config, within};
use frontier_admin::ServerConfig;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_request_has_a_deadline_and_grpc_callers_may_set_a_shorter_one() {
    let world = World::with("request_timeout: 100ms").await;
    let (status, body) = world.json("/hangs").await;
    assert_eq!((status, body["code"].as_str()), (504, Some("DEADLINE_EXCEEDED")));
    let world = World::with("request_timeout: 300s").await;
    let head = "GET /hangs HTTP/1.1\r\ncontent-type: application/grpc\r\ngrpc-timeout: 50m";
    let (status, head, _) = world.send(head).await;
    assert_eq!(status, 200);
    assert!(head.contains("grpc-status: 4"), "{head}");
}

#[tokio::test]
async fn the_number_of_connections_is_bounded_and_places_are_given_back() {
    let world = World::with("connections: 2").await;
    let held = [world.request("GET /hangs HTTP/1.1").await, world.request("GET /hangs HTTP/1.1").await];
    let mut refused = TcpStream::connect(world.addr).await.unwrap();
    let read = within("it is closed", refused.read(&mut [0; 16])).await;
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
async fn a_connection_without_a_whole_request_is_closed() {
    let world = World::with("handshake_timeout: 100ms").await;
    for sent in ["", "P", "PRI * HTTP/2.0\r\n", "GET /livez HTTP/1.1\r\nhost: ", "GET /livez"] {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // However it ends, it ends.
        let _ = within(sent, stream.read_to_end(&mut rest)).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{sent}");
    }
}

#[tokio::test]
async fn what_is_in_flight_at_the_end_has_the_grace_and_no_more() {
    let world = World::build(&config("request_timeout: 300s"), Duration::from_millis(100)).await;
    let mut stream = world.request("GET /hangs HTTP/1.1").await;
    // By when this is answered, that has been accepted.
    assert_eq!(world.json("/livez").await.0, 200);
    world.stop.cancel();
    within("it ends", world.running).await.unwrap();
    let mut answer = Vec::new();
    let _ = within("it is cut off", stream.read_to_end(&mut answer)).await;
    assert!(answer.is_empty());
}

/// What the server says in its SETTINGS of HTTP/2 (RFC 9113, section 6.5).
async fn settings(world: &World) -> Vec<(u16, u32)> {
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    within("the head of a frame", stream.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[3], 4, "the first frame is SETTINGS");
    let mut settings = vec![0; usize::from(head[2])];
    within("the settings", stream.read_exact(&mut settings)).await.unwrap();
    let setting = |six: &[u8]| {
        (u16::from_be_bytes([six[0], six[1]]), u32::from_be_bytes([six[2], six[3], six[4], six[5]]))
    };
    settings.chunks_exact(6).map(setting).collect()
}

#[tokio::test]
async fn requests_at_once_on_a_connection_are_bounded_and_few_where_nobody_is_asked_for_credentials() {
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    assert!(settings(&World::new().await).await.contains(&(MAX_CONCURRENT_STREAMS, 256)));
    let small = ServerConfig::small(SocketAddr::from(([127, 0, 0, 1], 0)));
    let world = World::build(&small, Duration::from_secs(5)).await;
    assert!(settings(&world).await.contains(&(MAX_CONCURRENT_STREAMS, 4)));
}
