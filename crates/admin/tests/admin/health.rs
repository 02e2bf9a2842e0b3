//! Readiness, over HTTP and gRPC.

use crate::world::{Backend, World, within};
use serde_json::json;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

#[tokio::test]
async fn it_is_ready_while_the_check_succeeds_and_alive_anyway() {
    let world = World::new().await;
    world.becomes("/readyz", 200).await;
    for backend in [Backend::Fails, Backend::Hangs] {
        world.set(backend);
        world.becomes("/readyz", 503).await;
        let (_, body) = world.json("/readyz").await;
        assert_eq!(body["message"], "the backend can't be reached");
        assert_eq!(world.json("/livez").await.0, 200);
        world.set(Backend::Answers);
        world.becomes("/readyz", 200).await;
    }
}

/// `?redy` must not be answered with "it runs", which looks like "it can answer".
#[tokio::test]
async fn a_question_that_is_misspelt_is_not_answered() {
    let world = World::new().await;
    world.becomes("/healthz?ready", 200).await;
    for (query, status) in [("", 200), ("?", 200), ("?ready=", 200), ("?ready=true", 200)] {
        assert_eq!(world.send(&format!("GET /healthz{query} HTTP/1.1")).await.0, status, "{query}");
    }
    for query in ["?redy", "?ready=no", "?ready&x", "?READY", "?%72eady"] {
        let (status, _, body) = world.send(&format!("GET /healthz{query} HTTP/1.1")).await;
        assert_eq!((status, &*body), (400, ""), "{query}");
    }
}

#[tokio::test]
async fn what_is_degraded_is_told_and_takes_nobody_out_of_service() {
    let world = World::new().await;
    world.becomes("/readyz", 200).await;
    assert_eq!(world.json("/readyz").await.1, json!({"status": "ready", "degraded": []}));
    world.set(Backend::Degraded);
    let told = json!({"status": "degraded", "degraded": ["something beside it is away"]});
    assert_eq!(world.json("/readyz").await, (200, told));
}

#[tokio::test]
async fn grpc_health_is_served_on_the_same_port() {
    let world = World::new().await;
    world.becomes("/readyz", 200).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", world.addr)).unwrap();
    let mut client = HealthClient::new(within("a connection", endpoint.connect()).await.unwrap());
    let request = |service: &str| HealthCheckRequest { service: service.to_owned() };
    for service in ["", "test.Service"] {
        assert_eq!(client.check(request(service)).await.unwrap().into_inner().status, SERVING);
    }
    assert_eq!(client.check(request("x")).await.unwrap_err().code(), Code::NotFound);
    let mut watch = client.watch(request("")).await.unwrap().into_inner();
    assert_eq!(within("a status", watch.message()).await.unwrap().unwrap().status, SERVING);
    world.set(Backend::Fails);
    assert_eq!(within("a status", watch.message()).await.unwrap().unwrap().status, NOT_SERVING);
    world.stop.cancel();
    within("the end", async { while watch.message().await.unwrap().is_some() {} }).await;
    within("the server ends", world.running).await.unwrap();
}
