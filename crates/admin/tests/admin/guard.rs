//! A check of who asks, before everything else.

use crate::world::{Backend, World, within};
use frontier_admin::{ApiError, bearer_token};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

async fn guarded() -> World {
    guarded_with("").await
}

async fn guarded_with(settings: &str) -> World {
    World::guarded(settings, |caller, headers| {
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

/// Sends a request on a connection that stays. `None` once it is closed.
async fn ask_on(stream: &mut TcpStream, head: &str) -> Option<String> {
    stream.write_all(format!("{head}\r\nhost: localhost\r\n\r\n").as_bytes()).await.ok()?;
    let mut answer = vec![0; 4096];
    let read = within(head, stream.read(&mut answer)).await.ok().filter(|read| *read > 0)?;
    Some(String::from_utf8_lossy(&answer[..read]).into_owned())
}

#[tokio::test]
async fn strangers_keep_nobody_out_who_shows_credentials() {
    for settings in ["handshakes: 3", "handshakes_per_address: 3"] {
        let world = guarded_with(&format!("connections: 3, {settings}, handshake_timeout: 300s")).await;
        let mut strangers = Vec::new();
        for _ in 0..8 {
            let mut stranger = TcpStream::connect(world.addr).await.unwrap();
            let answer = ask_on(&mut stranger, "GET /healthz HTTP/1.1").await;
            assert!(
                answer.is_some_and(|it| it.starts_with("HTTP/1.1 ")),
                "a newcomer has a place: {settings}"
            );
            strangers.push(stranger);
        }
        assert_eq!(ask(&world, "/numbers", "good").await.0, 200, "{settings}");
        assert_eq!(world.send("GET /healthz HTTP/1.1").await.0, 200, "{settings}");
        assert_eq!(ask_on(&mut strangers[0], "GET /healthz HTTP/1.1").await, None, "the oldest gave way");
    }
}

#[tokio::test]
async fn health_does_not_renew_the_time_of_who_shows_nothing() {
    let world = guarded_with("handshake_timeout: 300ms").await;
    let mut known = TcpStream::connect(world.addr).await.unwrap();
    let good = "GET /caller HTTP/1.1\r\nauthorization: Bearer good";
    assert!(ask_on(&mut known, good).await.is_some());
    let mut stranger = TcpStream::connect(world.addr).await.unwrap();
    within("it is closed", async {
        while ask_on(&mut stranger, "GET /healthz HTTP/1.1").await.is_some() {
            // Who is known keeps busy beside it, and stays.
            assert!(ask_on(&mut known, good).await.is_some());
        }
    })
    .await;
    assert!(ask_on(&mut known, good).await.is_some());
}

#[tokio::test]
async fn connections_of_who_is_known_have_a_limit_too() {
    let world = guarded_with("connections: 1").await;
    let mut known = TcpStream::connect(world.addr).await.unwrap();
    assert!(ask_on(&mut known, "GET /caller HTTP/1.1\r\nauthorization: Bearer good").await.is_some());
    let (status, answer) = ask(&world, "/caller", "good").await;
    assert!(status == 429 && answer.contains("(connections)"), "{status} {answer}");
}
