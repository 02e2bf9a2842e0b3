//! Requests that are for another host, where nobody is asked who they are.

use crate::world::World;
use tonic::Code;
use tonic::transport::{Endpoint, Uri};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// The status of a request for this host, by REST.
async fn rest(world: &World, path: &str, host: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    world.send_raw(&request).await
}

/// The same by gRPC.
async fn grpc(world: &World, host: &str) -> Result<(), tonic::Status> {
    let endpoint = Endpoint::from_shared(format!("http://{}", world.addr)).unwrap();
    let endpoint =
        endpoint.origin(Uri::builder().scheme("http").authority(host).path_and_query("/").build().unwrap());
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    client.check(HealthCheckRequest::default()).await.map(drop)
}

#[tokio::test]
async fn a_page_of_another_name_gets_no_answer_of_this_machine() {
    let world = World::with("listen: {allowed_hosts: [gateway.example]}").await;
    for host in ["localhost", "127.0.0.1:1", "[::1]", "gateway.example:30010"] {
        assert_eq!(rest(&world, "/numbers", host).await.0, 200, "{host}");
        grpc(&world, host).await.unwrap();
    }
    for host in ["evil.example", "localhost.evil.example:30010", "192.0.2.1"] {
        for path in ["/numbers", "/metrics", "/livez", "/nowhere"] {
            let (status, body) = rest(&world, path, host).await;
            assert_eq!(status, 403, "{host} {path}: {body}");
            assert!(body.contains("PERMISSION_DENIED") && body.contains("listen.allowed_hosts"), "{body}");
        }
        let refused = grpc(&world, host).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{host}");
        assert!(refused.message().contains("no credentials are asked for here"), "{refused}");
        assert_eq!(rest(&world, "/healthz", host).await.0, 200, "it tells one bit, and everybody");
    }
    let (status, _) = world.send_raw("GET /numbers HTTP/1.0\r\n\r\n").await;
    assert_eq!(status, 200, "no browser leaves the host out");
}

#[tokio::test]
async fn who_shows_credentials_may_call_it_as_they_like() {
    let world = World::guarded("", |_, _| Ok(())).await;
    assert_eq!(rest(&world, "/numbers", "gateway.example").await.0, 200);
}
