//! Health, in all its forms.

use crate::switch::State;
use crate::world::{World, within};
use frontier_api::cluster::HealthCheckRequest as OldRequest;
use frontier_api::cluster::health_client::HealthClient as OldClient;
use std::time::Duration;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

fn asks(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

impl World {
    async fn is(&self, path: &str, status: u16) {
        within(path, async {
            while self.get(path).await.status().as_u16() != status {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn it_is_ready_while_the_directory_answers_and_alive_anyway() {
    let world = World::new().await;
    world.is("/readyz", 200).await;
    world.is("/cluster/v1/health", 200).await;
    world.is("/cluster/v1/health?service=controlplane.ClusterService", 200).await;
    assert_eq!(world.error("/cluster/v1/health?service=x", 404).await.0, "NOT_FOUND");
    world.directory.set(State::Fails);
    world.is("/readyz", 503).await;
    assert_eq!(world.error("/readyz", 503).await.0, "UNAVAILABLE");
    world.is("/livez", 200).await;
    let (status, body) = world.json("/cluster/v1/health").await;
    assert_eq!((status.as_u16(), body), (417, serde_json::Value::Null));
    world.directory.set(State::Answers);
    world.is("/readyz", 200).await;
    world.directory.set(State::Hangs);
    world.is("/readyz", 503).await;
}

#[tokio::test]
async fn grpc_health_is_checked_and_watched() {
    let world = World::new().await;
    world.is("/readyz", 200).await;
    let mut client = HealthClient::new(world.channel().await);
    let mut watch = client.watch(asks("")).await.unwrap().into_inner();
    let status = within("a status", watch.message()).await.unwrap().unwrap();
    assert_eq!(status.status, SERVING);
    for service in ["", "controlplane.ClusterService"] {
        assert_eq!(client.check(asks(service)).await.unwrap().into_inner().status, SERVING);
    }
    assert_eq!(client.check(asks("x")).await.unwrap_err().code(), Code::NotFound);
    for (state, expected) in [(State::Fails, NOT_SERVING), (State::Answers, SERVING)] {
        world.directory.set(state);
        let status = within("a status", watch.message()).await.unwrap().unwrap();
        assert_eq!(status.status, expected);
        assert_eq!(client.check(asks("")).await.unwrap().into_inner().status, expected);
    }
    // It does not hold up the end.
    world.stop.cancel();
    let status = within("a status", watch.message()).await.unwrap().unwrap();
    assert_eq!(status.status, NOT_SERVING);
    assert!(within("the end", watch.message()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_health_of_old_is_the_same() {
    let world = World::new().await;
    world.is("/readyz", 200).await;
    let mut client = OldClient::new(world.channel().await);
    let asks = |service: &str| OldRequest { service: service.to_owned() };
    assert_eq!(client.check(asks("")).await.unwrap().into_inner().status, SERVING);
    assert_eq!(client.check(asks("x")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.watch(asks("x")).await.unwrap_err().code(), Code::NotFound);
    let mut watch = client.watch(asks("")).await.unwrap().into_inner();
    assert_eq!(within("a status", watch.message()).await.unwrap().unwrap().status, SERVING);
    world.directory.set(State::Fails);
    assert_eq!(within("a status", watch.message()).await.unwrap().unwrap().status, NOT_SERVING);
    world.stop.cancel();
    within("the end", async { while watch.message().await.unwrap().is_some() {} }).await;
}
