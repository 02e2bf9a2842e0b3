//! Who may ask, and what everybody else gets.

use crate::http::read;
use crate::world::{World, config, within};
use frontier_access::authn::token;
use frontier_api::cluster::health_client::HealthClient as ClusterHealthClient;
use frontier_api::cluster::{
    GetEdgeByIdRequest, GetEdgesCountRequest, GetFrontierByEdgeIdRequest, GetServiceByIdRequest,
    GetServicesCountRequest, HealthCheckRequest, ListEdgesRequest, ListFrontiersRequest, ListServicesRequest,
    WatchKind, WatchRequest,
};
use frontlas::{Lifetimes, PlaneAccess};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Method, Request};
use tempfile::NamedTempFile;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::health_client::HealthClient;

/// Each path that there is, and some that there are not.
const PATHS: [&str; 18] = [
    "/cluster/v1/frontier?edge_id=1",
    "/cluster/v1/frontiers",
    "/cluster/v1/edge?edge_id=1",
    "/cluster/v1/edges",
    "/cluster/v1/edges/count",
    "/cluster/v1/service?service_id=1",
    "/cluster/v1/services",
    "/cluster/v1/services/count",
    "/cluster/v1/watch",
    "/cluster/v1/health",
    "/livez",
    "/readyz",
    "/openapi.json",
    "/controlplane.ClusterService/ListEdges",
    "/grpc.health.v1.Health/Check",
    "/nowhere",
    "/",
    "/healthz/",
];

/// A control plane with one token for each of those who may try.
struct Guarded {
    world: World,
    _tokens: NamedTempFile,
}

impl Guarded {
    /// Who fails waits after so many times.
    async fn start(failures: u32) -> Self {
        let tokens = NamedTempFile::new().unwrap();
        let entry = |token: &str, what: &str| format!("- {{hash: '{}', {what}}}\n", token::hash(token));
        let entries = [
            entry("operator", "name: the console, role: operate"),
            entry("discovering-edge", "edge_id: 7, role: read"),
            entry("service", "service: files"),
            entry("edge", "edge_id: 8"),
            entry("gateway", "frontier: '*'"),
            entry("over", "role: admin, not_after: 2001-01-01T00:00:00Z"),
            entry("nobody", "name: fixes nothing"),
        ];
        std::fs::write(tokens.path(), entries.concat()).unwrap();
        let auth = format!("auth: {{methods: [{{token: {{file: '{}'}}}}]}}", tokens.path().display());
        let mut config = config(&auth);
        config.access.throttle.failures = failures;
        let access = PlaneAccess::load(&config.access).unwrap();
        let world = World::build(config, Lifetimes::default(), |plane| plane.with_access(access)).await;
        Self { world, _tokens: tokens }
    }

    async fn get(&self, method: Method, path: &str, token: Option<&str>) -> (u16, serde_json::Value) {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let (status, body) = read(self.world.send(request).await).await;
        (status.as_u16(), body)
    }
}

#[tokio::test]
async fn without_credentials_nothing_answers_but_healthz() {
    let guarded = Guarded::start(1000).await;
    for path in PATHS {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let (status, body) = guarded.get(method.clone(), path, None).await;
            assert_eq!(status, 401, "{method} {path}: {body}");
            let refusal = serde_json::json!({
                "code": "UNAUTHENTICATED",
                "message": "credentials are missing: a token is needed here"
            });
            assert_eq!(body, refusal, "{method} {path}");
        }
    }
    for path in ["/healthz", "/healthz?ready"] {
        let (status, body) = guarded.get(Method::GET, path, None).await;
        assert!([200, 503].contains(&status) && body.is_null(), "{path}: {status} {body}");
    }
}

/// What each gRPC call gets.
async fn grpc(channel: Channel) -> Vec<(&'static str, Status)> {
    let mut client =
        frontier_api::cluster::cluster_service_client::ClusterServiceClient::new(channel.clone());
    let mut refused = Vec::new();
    macro_rules! call {
        ($client:expr, $name:ident, $request:expr) => {
            let error = within(stringify!($name), $client.$name($request)).await.map(drop);
            refused.push((stringify!($name), error.expect_err(stringify!($name))));
        };
    }
    call!(client, get_frontier_by_edge, GetFrontierByEdgeIdRequest { edge_id: 1 });
    call!(client, list_frontiers, ListFrontiersRequest::default());
    call!(client, list_edges, ListEdgesRequest::default());
    call!(client, get_edge_by_id, GetEdgeByIdRequest { edge_id: 1 });
    call!(client, get_edges_count, GetEdgesCountRequest {});
    call!(client, list_services, ListServicesRequest::default());
    call!(client, get_service_by_id, GetServiceByIdRequest { service_id: 1 });
    call!(client, get_services_count, GetServicesCountRequest {});
    call!(client, watch, WatchRequest { after: None, kinds: vec![WatchKind::Edges.into()] });
    let mut health = ClusterHealthClient::new(channel.clone());
    call!(health, check, HealthCheckRequest::default());
    call!(health, watch, HealthCheckRequest::default());
    let mut standard = HealthClient::new(channel);
    call!(standard, check, tonic_health::pb::HealthCheckRequest::default());
    call!(standard, watch, tonic_health::pb::HealthCheckRequest::default());
    refused
}

#[tokio::test]
async fn without_credentials_no_grpc_call_is_answered() {
    let guarded = Guarded::start(1000).await;
    for (call, status) in grpc(guarded.world.channel().await).await {
        assert_eq!(status.code(), Code::Unauthenticated, "{call}: {status}");
    }
}

#[tokio::test]
async fn a_role_is_what_counts_and_whose_token_it_is_besides_does_not() {
    let guarded = Guarded::start(1000).await;
    let edges = "/cluster/v1/edges";
    for token in ["operator", "discovering-edge"] {
        assert_eq!(guarded.get(Method::GET, edges, Some(token)).await.0, 200, "{token}");
    }
    for token in ["service", "edge", "gateway", "nobody"] {
        let (status, body) = guarded.get(Method::GET, edges, Some(token)).await;
        assert_eq!((status, body["code"].as_str()), (403, Some("PERMISSION_DENIED")), "{token}: {body}");
    }
    for token in ["over", "guessed"] {
        assert_eq!(guarded.get(Method::GET, edges, Some(token)).await.0, 401, "{token}");
    }
}

#[tokio::test]
async fn grpc_takes_the_token_in_its_metadata() {
    let guarded = Guarded::start(1000).await;
    let asked = async |token: &str| {
        let mut request = tonic::Request::new(GetEdgesCountRequest {});
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        guarded.world.client().await.get_edges_count(request).await
    };
    assert_eq!(asked("operator").await.unwrap().into_inner().count, 0);
    assert_eq!(asked("gateway").await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_who_knows_does_not() {
    let guarded = Guarded::start(10).await;
    let mut last = (0, serde_json::Value::Null);
    for guess in 0..12 {
        last = guarded.get(Method::GET, "/cluster/v1/edges", Some(&format!("guess {guess}"))).await;
    }
    assert_eq!((last.0, last.1["code"].as_str()), (429, Some("RESOURCE_EXHAUSTED")), "{}", last.1);
    assert_eq!(guarded.get(Method::GET, "/cluster/v1/edges", Some("operator")).await.0, 200);
}
