//! Frontlas is away, and comes back.

use crate::world::{World, knows, who};
use frontier_sdk::{ClusterService, Code, ConnectError, EdgeId};
use frontier_tests::within;
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[tokio::test]
async fn calls_go_on_without_frontlas_and_it_is_followed_again_when_it_is_back() {
    let mut world = World::new().await;
    let (first, second) = (world.frontier("f1").await, world.frontier("f2").await);
    let known = world.edge(1, &first).await;
    let service = world.connect().await;
    knows(&service, &["f1", "f2"]).await;
    assert_eq!(who(&service, known.id()).await.unwrap(), "f1");

    world.close().await;
    assert_eq!(who(&service, known.id()).await.unwrap(), "f1");
    let unknown = world.edge(2, &second).await;
    assert_eq!(who(&service, unknown.id()).await.unwrap(), "f2", "all are asked for it");
    within("the edge leaves", known.close()).await.unwrap();
    let moved = world.edge(1, &second).await;
    assert_eq!(who(&service, moved.id()).await.unwrap(), "f2", "it is not where it was");
    assert_eq!(who(&service, EdgeId(3)).await.unwrap_err().code(), Code::EdgeNotOnline);
    assert!(service.frontiers().iter().all(|frontier| frontier.is_connected && frontier.is_listed));

    let third = world.frontier("f3").await;
    world.open().await;
    knows(&service, &["f1", "f2", "f3"]).await;
    assert_eq!(who(&service, world.edge(3, &third).await.id()).await.unwrap(), "f3");
}

#[tokio::test]
async fn replicas_are_tried_in_turn() {
    let mut gone = World::new().await;
    gone.close().await;
    let world = World::new().await;
    let first = world.frontier("f1").await;
    let service = ClusterService::builder(gone.url()).url(world.url()).connect();
    let service = within("the service connects", service).await.unwrap();
    assert_eq!(who(&service, world.edge(1, &first).await.id()).await.unwrap(), "f1");
}

#[tokio::test]
async fn who_can_not_connect_is_told_why() {
    let mut world = World::new().await;
    let connect = |url: String| {
        let connect = ClusterService::builder(url).connect_timeout(Duration::from_secs(3)).connect();
        async move { within("an error", connect).await.unwrap_err() }
    };
    let empty = connect(world.url()).await.to_string();
    assert!(empty.ends_with("there is no frontier in the cluster"), "{empty}");
    world.close().await;
    let away = connect(world.url()).await;
    assert!(away.is_retryable() && away.to_string().contains("frontlas"), "{away}");
    assert!(away.to_string().contains(&world.addr.to_string()), "{away}");
    let wrong = connect("tcp://127.0.0.1:1".into()).await;
    assert_eq!(wrong, ConnectError::Frontlas("tcp://127.0.0.1:1".into()));
}

#[tokio::test]
async fn connecting_takes_no_longer_than_it_may() {
    // It accepts, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap();
    let time = Duration::from_millis(300);
    let start = Instant::now();
    let connect = ClusterService::builder(format!("http://{addr}")).connect_timeout(time).connect();
    let error = within("an error", connect).await.unwrap_err().to_string();
    let took = start.elapsed();
    // One request alone would be waited for 3 s.
    assert!(took >= time && took < Duration::from_millis(2500), "{took:?}");
    assert!(error.contains(&format!("frontlas has not answered yet: http://{addr}")), "{error}");
}
