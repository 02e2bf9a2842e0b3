//! A check of who asks, before everything else.

use crate::world::{Backend, World};
use frontier_admin::{ApiError, bearer_token};
use std::time::Duration;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

async fn guarded() -> World {
    World::guarded(|caller, headers| {
        assert!(caller.addr.ip().is_loopback() && caller.certificate.is_none());
        match bearer_token(headers) {
            Some("good") => Ok(()),
            Some("weak") => Err(ApiError::Denied("that takes more".into())),
            Some("again") => Err(ApiError::Throttled {
                reason: "too often".into(),
                retry_after: Duration::from_millis(1500),
            }),
            _ => Err(ApiError::Unauthenticated("who are you?".into())),
        }
    })
    .await
}

async fn ask(world: &World, path: &str, token: &str) -> (u16, String) {
    let (status, head, body) =
        world.send(&format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {token}")).await;
    (status, format!("{}\n{body}", head.to_ascii_lowercase()))
}

#[tokio::test]
async fn every_path_but_health_is_refused_whether_it_exists_or_not() {
    let world = guarded().await;
    for path in ["/numbers", "/watch", "/livez", "/readyz", "/nowhere", "/", "/healthz/"] {
        let (status, answer) = ask(&world, path, "bad").await;
        assert_eq!(status, 401, "{path}: {answer}");
        assert!(answer.contains("www-authenticate: bearer") && answer.contains("who are you?"), "{answer}");
    }
    assert_eq!(ask(&world, "/numbers", "weak").await.0, 403);
    let (status, answer) = ask(&world, "/numbers", "again").await;
    assert!(status == 429 && answer.contains("retry-after: 2"), "{status} {answer}");
    assert_eq!(ask(&world, "/numbers", "good").await.0, 200);
    assert_eq!(ask(&world, "/nowhere", "good").await.0, 404);
}

#[tokio::test]
async fn grpc_is_refused_in_its_own_way() {
    let world = guarded().await;
    let endpoint = Endpoint::from_shared(format!("http://{}", world.addr)).unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let refused = client.check(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::Unauthenticated, "who are you?"));
}

#[tokio::test]
async fn health_answers_everybody_with_a_status_alone() {
    let world = guarded().await;
    world.becomes("/healthz?ready", 200).await;
    world.set(Backend::Fails);
    world.becomes("/healthz?ready", 503).await;
    let (status, _, body) = world.send("GET /healthz?ready HTTP/1.1").await;
    assert_eq!((status, &*body), (503, ""));
    assert_eq!(world.send("GET /healthz HTTP/1.1").await.0, 200);
}
