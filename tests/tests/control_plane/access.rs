//! Who may ask, and who may change something.

use crate::world::{Rest, entry, grpc, guarded, says, shown};
use frontier_api::gateway::control_plane_client::ControlPlaneClient;
use frontier_api::gateway::{
    CallEdgeRequest, CallServiceRequest, DrainRequest, GetEdgeRequest, GetLogLevelRequest, GetPolicyRequest,
    GetServiceRequest, GetStatusRequest, KickEdgeRequest, KickServiceRequest, ListEdgesRequest,
    ListServiceRpCsRequest, ListServiceTopicsRequest, ListServicesRequest, PublishToEdgeRequest,
    PublishToServiceRequest, SetLogLevelRequest, WatchRequest,
};
use frontier_api::{GATEWAY_OPENAPI, GatewayRoute};
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, Gateway, eventually, replace};
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Status};

/// Every route, with the least role that it takes.
const ROUTES: [(&str, &str, &str); 19] = [
    ("GET", "/v1/edges", "reader"),
    ("GET", "/v1/edges/rpcs", "reader"),
    ("GET", "/v1/edges/7", "reader"),
    ("DELETE", "/v1/edges/7", "operator"),
    ("GET", "/v1/services", "reader"),
    ("GET", "/v1/services/7", "reader"),
    ("DELETE", "/v1/services/7", "operator"),
    ("GET", "/v1/services/rpcs", "reader"),
    ("GET", "/v1/services/topics", "reader"),
    ("POST", "/v1/edges/7/call", "operator"),
    ("POST", "/v1/edges/7/publish", "operator"),
    ("POST", "/v1/services/7/call", "operator"),
    ("POST", "/v1/services/7/publish", "operator"),
    ("GET", "/v1/status", "reader"),
    ("GET", "/v1/policy", "reader"),
    ("GET", "/v1/log_level", "reader"),
    ("PUT", "/v1/log_level", "operator"),
    ("GET", "/v1/watch?kinds=nothing", "reader"),
    // Last: it ends the gateway.
    ("POST", "/v1/drain", "admin"),
];

#[test]
fn the_document_says_which_role_each_route_takes() {
    let document: Value = serde_json::from_str(GATEWAY_OPENAPI).unwrap();
    let said = |method: &str, path: &str| {
        let path = path.split('?').next().unwrap().replace("edges/7", "edges/{edge_id}");
        let path = path.replace("services/7", "services/{service_id}");
        document["paths"][path][method.to_lowercase()]["x-role"].as_str().map(str::to_owned)
    };
    for (method, path, needed) in ROUTES {
        let role = match needed {
            "reader" => "read",
            "operator" => "operate",
            other => other,
        };
        assert_eq!(said(method, path).as_deref(), Some(role), "{method} {path}");
    }
    assert_eq!(ROUTES.len(), GatewayRoute::ALL.len());
}

/// A body that each of them takes.
fn body(path: &str) -> &'static str {
    match path.rsplit('/').next() {
        Some("call") => r#"{"method": "m"}"#,
        Some("publish") => r#"{"topic": "t"}"#,
        Some("log_level") => r#"{"level": "info"}"#,
        _ => "",
    }
}

/// Every call, as somebody with this token.
async fn all_calls(client: &mut ControlPlaneClient<Channel>, token: &str) -> Vec<(&'static str, Code)> {
    fn code<T>(answer: Result<T, Status>) -> Code {
        answer.map_or_else(|status| status.code(), |_| Code::Ok)
    }
    vec![
        ("ListEdges", code(client.list_edges(shown(token, ListEdgesRequest::default())).await)),
        ("GetEdge", code(client.get_edge(shown(token, GetEdgeRequest { edge_id: 9 })).await)),
        ("KickEdge", code(client.kick_edge(shown(token, KickEdgeRequest { edge_id: 9 })).await)),
        ("ListServices", code(client.list_services(shown(token, ListServicesRequest::default())).await)),
        ("GetService", code(client.get_service(shown(token, GetServiceRequest { service_id: 9 })).await)),
        ("KickService", code(client.kick_service(shown(token, KickServiceRequest { service_id: 9 })).await)),
        (
            "ListServiceRPCs",
            code(client.list_service_rp_cs(shown(token, ListServiceRpCsRequest::default())).await),
        ),
        (
            "ListServiceTopics",
            code(client.list_service_topics(shown(token, ListServiceTopicsRequest::default())).await),
        ),
        ("CallEdge", code(client.call_edge(shown(token, CallEdgeRequest::default())).await)),
        ("PublishToEdge", code(client.publish_to_edge(shown(token, PublishToEdgeRequest::default())).await)),
        ("CallService", code(client.call_service(shown(token, CallServiceRequest::default())).await)),
        (
            "PublishToService",
            code(client.publish_to_service(shown(token, PublishToServiceRequest::default())).await),
        ),
        ("GetStatus", code(client.get_status(shown(token, GetStatusRequest {})).await)),
        ("GetPolicy", code(client.get_policy(shown(token, GetPolicyRequest {})).await)),
        ("GetLogLevel", code(client.get_log_level(shown(token, GetLogLevelRequest {})).await)),
        ("SetLogLevel", code(client.set_log_level(shown(token, SetLogLevelRequest::default())).await)),
        ("Drain", code(client.drain(shown(token, DrainRequest {})).await)),
        ("Watch", code(client.watch(shown(token, WatchRequest::default())).await)),
    ]
}

#[tokio::test]
async fn without_credentials_nothing_answers_but_health() {
    let gateway = guarded().start().await;
    let rest = Rest::of(&gateway).await;
    assert_eq!(rest.ask("GET", "/healthz").await.0, 200);
    let beside = ["/livez", "/readyz", "/metrics", "/openapi.json", "/", "/nowhere"];
    let beside = beside.map(|path| ("GET", path));
    for (method, path) in ROUTES.map(|(method, path, _)| (method, path)).into_iter().chain(beside) {
        assert_eq!(rest.ask(method, path).await.0, 401, "{method} {path}");
        assert_eq!(rest.with("nobody").ask(method, path).await.0, 401, "{method} {path}");
        // Of a gateway that was stolen from, or an edge's.
        for stolen in ["gateway_token", "edge_token"] {
            assert_eq!(rest.with(stolen).ask(method, path).await.0, 403, "{method} {path}");
        }
    }
    let mut client = grpc(rest.addr).await;
    for (call, code) in all_calls(&mut client, "nobody").await {
        assert_eq!(code, Code::Unauthenticated, "{call}");
    }
    for (call, code) in all_calls(&mut client, "gateway_token").await {
        assert_eq!(code, Code::PermissionDenied, "{call}");
    }
    says(gateway.log(), &["frontier::audit", "outcome=\"refused\"", "unknown token"]).await;
    says(gateway.log(), &["frontier::audit", "outcome=\"refused\"", "not those of an operator"]).await;
}

#[tokio::test]
async fn each_role_goes_as_far_as_it_does() {
    let gateway = guarded().start().await;
    let rest = Rest::of(&gateway).await;
    let tokens = ["reader", "operator", "admin"];
    let rank = |of: &str| tokens.iter().position(|token| *token == of).unwrap();
    let mut client = grpc(rest.addr).await;
    for (call, code) in all_calls(&mut client, "reader").await {
        let is_change = ["Kick", "Call", "Publish", "Set", "Drain"].iter().any(|it| call.starts_with(it));
        assert_eq!(code == Code::PermissionDenied, is_change, "{call}: {code:?}");
    }
    for (method, path, needed) in ROUTES {
        for token in tokens {
            let (status, answer) = rest.with(token).send(method, path, body(path)).await;
            assert_eq!(
                status == 403,
                rank(token) < rank(needed),
                "{token}: {method} {path}: {status} {answer}"
            );
        }
    }
    let words = ["frontier::audit", "outcome=\"denied\"", "Rita", "role=read", "action=\"kick\"", "edge 7"];
    says(gateway.log(), &words).await;
    says(gateway.log(), &["frontier::audit", "outcome=\"accepted\"", "Rita", "role=read"]).await;
}

#[tokio::test]
async fn a_change_is_in_the_audit_log_with_who_made_it_from_where_and_what_came_of_it() {
    let gateway = guarded().start().await;
    let rest = Rest::of(&gateway).await.with("operator");
    let _edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    assert_eq!(rest.ask("DELETE", "/v1/edges/7").await.0, 200);
    let words =
        ["frontier::audit", "plane=\"control\"", "outcome=\"done\"", "addr=127.", "Otto", "role=operate"];
    let line = says(gateway.log(), &words).await;
    assert!(line.contains("action=\"kick\"") && line.contains("object=\"edge 7\""), "{line}");
}

#[tokio::test]
async fn a_token_that_is_taken_back_is_good_for_nothing_from_then_on() {
    let builder = guarded();
    let file = builder.file("operators.yaml");
    let gateway = builder.start().await;
    let rest = Rest::of(&gateway).await.with("reader");
    assert_eq!(rest.ask("GET", "/v1/edges").await.0, 200);
    replace(&file, entry("admin", "role: admin"));
    gateway.hang_up();
    let refused = async || (rest.ask("GET", "/v1/edges").await.0 == 401).then_some(());
    eventually(DEADLINE, "the reader is refused", refused).await;
}

/// Wider than this machine it takes credentials, or a word that it shall take none.
#[tokio::test]
async fn it_is_open_to_others_only_if_that_is_said() {
    let anywhere = || Gateway::builder().set("controlplane.listen.addr", "0.0.0.0:0");
    let (code, lines) = anywhere().fail().await;
    let text = lines.join("\n");
    assert!(code == Some(64) && text.contains("controlplane.auth") && text.contains("open_to_all"), "{text}");
    let open = anywhere().set("controlplane.open_to_all", true).start().await;
    says(open.log(), &["WARN", "may close connections", "controlplane.open_to_all is set"]).await;
    assert!(open.control().await.ip().is_unspecified());
}
