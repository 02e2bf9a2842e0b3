//! Whoever is over a quota is told for how long, and stays connected.

use crate::world::World;
use frontier_sdk::{Code, Edge, EdgeId, Error, Service};
use frontier_tests::{echo, within};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn start(quotas: &str) -> World {
    let yaml = "
edgebound: {listen: {addr: HERE}}
servicebound: {listen: {addr: HERE}}
quotas: QUOTAS
";
    World::new().start(&yaml.replace("QUOTAS", quotas)).await
}

/// A service that answers `echo` and takes `t`, and an edge.
async fn pair(world: &World) -> (Service, Edge) {
    let service = world.service("s").topics(["t"]).connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    tokio::spawn({
        let service = service.clone();
        async move {
            while let Some(message) = service.recv().await {
                message.done();
            }
        }
    });
    (service, world.edge().id(EdgeId(7)).connect().await.unwrap())
}

#[track_caller]
fn is_over<T: std::fmt::Debug>(result: Result<T, Error>, what: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), Code::Overloaded);
    assert!(
        error.text().starts_with(&format!("over the quota of {what} per edge, try again in ")),
        "{error}"
    );
    let wait = error.retry_after().expect("it says for how long");
    assert!(wait > Duration::from_secs(60) && wait <= Duration::from_secs(3600), "{wait:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn calls() {
    let world = start("[{for: edge, calls: {rate: 1/h, burst: 2}}]").await;
    let (service, edge) = pair(&world).await;
    for _ in 0..2 {
        within("an answer", edge.call("echo", "x")).await.unwrap();
    }
    is_over(within("an answer", edge.call("echo", "x")).await, "calls");
    is_over(within("an answer", edge.call("echo", vec![0; 200_000])).await, "calls");
    // A message is no call, another edge has calls of its own, and a service is under no quota of edges.
    within("an ack", edge.publish("t", "x")).await.unwrap();
    let other = world.edge().id(EdgeId(8)).connect().await.unwrap();
    within("an answer", other.call("echo", "x")).await.unwrap();
    echo_at(&edge).await;
    for _ in 0..5 {
        within("an answer", service.call(EdgeId(7), "echo", "x")).await.unwrap();
    }
}

async fn echo_at(edge: &Edge) {
    let echo = |request: frontier_sdk::Request| async { Ok(frontier_sdk::Response::new(request.data)) };
    edge.register("echo", echo).await.unwrap();
}

#[tokio::test]
async fn messages() {
    let world = start("[{for: edge, messages: {rate: 1/h, burst: 2}}]").await;
    let (_service, edge) = pair(&world).await;
    for _ in 0..2 {
        within("an ack", edge.publish("t", "x")).await.unwrap();
    }
    is_over(within("an ack", edge.publish("t", "x")).await, "messages");
    within("an answer", edge.call("echo", "x")).await.unwrap();
    // It is the edge's quota, not the connection's.
    let again = world.edge().id(EdgeId(7)).connect().await.unwrap();
    is_over(within("an ack", again.publish("t", "x")).await, "messages");
}

#[tokio::test]
async fn bytes_of_small_and_large_payloads() {
    // Some 60 bytes a second: a KiB comes back within 18 seconds, 100 KiB within half an hour.
    let world = start("[{for: edge, bytes: {rate: 60B, burst: 100KiB}}]").await;
    let (_service, edge) = pair(&world).await;
    within("an answer", edge.call("echo", vec![0; 90 * 1024])).await.unwrap();
    within("an answer", edge.call("echo", vec![0; 1024])).await.unwrap();
    is_over(within("an answer", edge.call("echo", vec![0; 90 * 1024])).await, "bytes");
    is_over(within("an ack", edge.publish("t", vec![0; 60 * 1024])).await, "bytes");
    within("an answer", edge.call("echo", "small")).await.unwrap();
}

#[tokio::test]
async fn streams() {
    let world = start("[{for: edge, streams: {rate: 1/h, burst: 2}}]").await;
    let (service, edge) = pair(&world).await;
    for _ in 0..2 {
        let (opened, _accepted) = tokio::join!(edge.open_stream("s"), service.accept_stream());
        opened.unwrap();
    }
    is_over(within("an answer", edge.open_stream("s").into_future()).await, "streams");
    within("an answer", edge.call("echo", "x")).await.unwrap();
}

#[tokio::test]
async fn connections() {
    let world = start("[{for: edge, connects: {rate: 1/h, burst: 2}}]").await;
    for _ in 0..2 {
        let edge = within("it gets in", world.edge().id(EdgeId(7)).connect()).await.unwrap();
        edge.close().await.unwrap();
    }
    let third = world.edge().id(EdgeId(7)).connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", third).await.unwrap_err();
    assert!(error.to_string().contains("over the quota of connects per edge, try again in"), "{error}");
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(60) && wait <= Duration::from_secs(3600), "{wait:?}");
    within("it gets in", world.edge().id(EdgeId(8)).connect()).await.unwrap();
}

#[tokio::test]
async fn connections_from_one_address() {
    let world = start("[{for: address, connects: {rate: 1/h, burst: 1}}]").await;
    let _first = within("it gets in", world.edge().connect()).await.unwrap();
    let second = world.edge().connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", second).await.unwrap_err().to_string();
    assert!(error.contains("over the quota of connects per address"), "{error}");
}

#[tokio::test]
async fn of_services_where_a_quota_names_them() {
    let world = start("[{for: address, who: {service: batch}, calls: {rate: 1/h, burst: 1}}]").await;
    let (_service, edge) = pair(&world).await;
    echo_at(&edge).await;
    let batch = world.service("batch").connect().await.unwrap();
    within("an answer", batch.call(EdgeId(7), "echo", "x")).await.unwrap();
    let error = within("an answer", batch.call(EdgeId(7), "echo", "x")).await.unwrap_err();
    assert!(error.text().starts_with("over the quota of calls per address"), "{error}");
}

#[tokio::test]
async fn a_stream_over_the_quota_of_bytes_waits() {
    let world = start("[{for: edge, bytes: {rate: 256KiB, burst: 64KiB}}]").await;
    let (service, edge) = pair(&world).await;
    let (opened, accepted) = tokio::join!(edge.open_stream("s"), service.accept_stream());
    let (mut opened, mut accepted) = (opened.unwrap(), accepted.unwrap());
    let start = Instant::now();
    let writing = tokio::spawn(async move {
        opened.write_all(&vec![7; 512 * 1024]).await.unwrap();
        opened.shutdown().await.unwrap();
        opened
    });
    let mut bytes = Vec::new();
    within("all of it", accepted.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes.len(), 512 * 1024, "it waits, and nothing is lost");
    // 64 KiB at once, then 256 KiB a second; less a piece that passes when the bucket is full.
    assert!(start.elapsed() > Duration::from_millis(1300), "{:?}", start.elapsed());
    // What the service sends is not the edge's.
    let mut opened = within("the end", writing).await.unwrap();
    let start = Instant::now();
    let writing = tokio::spawn(async move {
        accepted.write_all(&vec![7; 8 * 1024 * 1024]).await.unwrap();
        accepted.shutdown().await.unwrap();
        accepted
    });
    bytes.clear();
    within("all of it", opened.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes.len(), 8 * 1024 * 1024);
    // Under the quota it would take half a minute.
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    within("the end", writing).await.unwrap();
}
