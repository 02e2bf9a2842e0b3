//! Who is connected, with what is known of them.

use crate::world::{Rest, grpc};
use frontier_api::gateway::{GetEdgeRequest, ListEdgesRequest, ListServicesRequest};
use frontier_sdk::EdgeId;
use frontier_tests::{Gateway, echo};
use serde_json::json;
use tonic::Code;

#[tokio::test]
async fn edges_and_services_are_listed_over_rest_and_grpc_alike() {
    let gateway = Gateway::start().await;
    let service = gateway.service("files").topics(["up", "down"]).connect().await.unwrap();
    echo(&service, "get").await.unwrap();
    let first = gateway.edge().id(EdgeId(7)).meta("eu-7").connect().await.unwrap();
    let _second = gateway.edge().id(EdgeId(u64::MAX)).meta(vec![0xff, b'x']).connect().await.unwrap();
    let rest = Rest::of(&gateway).await;

    let edges = rest.get("/v1/edges").await;
    assert_eq!(edges["count"], 2);
    assert_eq!(edges["edges"][0]["edge_id"], u64::MAX.to_string(), "the newest first, as text");
    assert_eq!(edges["edges"][0]["meta_bytes"], "/3g=");
    let edge = &edges["edges"][1];
    assert_eq!(
        (&edge["meta"], &edge["edge_id"], &edge["network"]),
        (&json!("eu-7"), &json!("7"), &json!("tcp"))
    );
    assert_eq!(edge["listener"], "edgebound.listen");
    assert!(edge["addr"].as_str().unwrap().starts_with("127.") && edge.get("meta_bytes").is_none());
    let mut alone = rest.get("/v1/edges/7").await;
    let limits = alone.as_object_mut().unwrap().remove("limits").unwrap();
    assert_eq!(
        (&limits["streams"], &limits["calls"]),
        (&json!(1024), &json!(16384)),
        "one by itself has its limits"
    );
    assert_eq!(&alone, edge);
    assert_eq!(rest.get("/v1/edges?meta=eu&order=+addr").await["edges"], json!([edge]));
    assert_eq!(rest.get("/v1/edges?edgeId=7&pageSize=1").await["edges"], json!([edge]));
    let first_page = rest.get("/v1/edges?page_size=1").await;
    let token = first_page["next_page_token"].as_str().unwrap();
    let last_page = rest.get(&format!("/v1/edges?page_size=1&page_token={token}")).await;
    assert_eq!((&last_page["edges"], last_page.get("next_page_token")), (&json!([edge]), None));

    let services = rest.get("/v1/services?topic=up").await;
    let found = &services["services"][0];
    assert_eq!((&services["count"], &found["service"]), (&json!(1), &json!("files")));
    assert_eq!((&found["rpcs"], &found["topics"]), (&json!(1), &json!(2)));
    let id = found["service_id"].as_str().unwrap();
    let mut alone = rest.get(&format!("/v1/services/{id}")).await;
    assert!(alone.as_object_mut().unwrap().remove("limits").is_some());
    assert_eq!(&alone, found);
    assert_eq!(rest.get("/v1/services/rpcs").await, json!({"rpcs": ["get"], "count": 1}));
    assert_eq!(rest.get("/v1/services/topics?service=fi").await["topics"], json!(["down", "up"]));

    let mut client = grpc(rest.addr).await;
    let list = client.list_edges(ListEdgesRequest::default()).await.unwrap().into_inner();
    assert_eq!((list.count, list.edges.len(), list.edges[1].edge_id), (2, 2, 7));
    let list = client.list_services(ListServicesRequest::default()).await.unwrap().into_inner();
    assert_eq!((list.count, &*list.services[0].service), (1, "files"));
    let edge = client.get_edge(GetEdgeRequest { edge_id: 7 }).await.unwrap().into_inner();
    assert_eq!((&*edge.meta, edge.streams, edge.calls_from), ("eu-7", 0, 0));

    first.close().await.unwrap();
    let missing = client.get_edge(GetEdgeRequest { edge_id: 7 }).await.unwrap_err();
    assert_eq!((missing.code(), missing.message()), (Code::NotFound, "edge 7 is not connected here"));
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let gateway = Gateway::start().await;
    let rest = Rest::of(&gateway).await;
    for path in [
        "/v1/edges?nonsense=1",
        "/v1/edges?page=x",
        "/v1/edges?order=height",
        "/v1/edges/rpcs?order=meta",
        "/v1/edges/rpcs?addr=127",
        "/v1/edges?page_token=z",
        "/v1/edges?page=2&page_token=c1.",
        "/v1/edges?page=2000000",
        "/v1/edges?edge_id=-1",
        "/v1/edges/x",
        "/v1/edges/-1",
        "/v1/edges/18446744073709551616",
        "/v1/edges/7?x=1",
        "/v1/services?service_id=1",
        "/v1/services/rpcs?order=service",
    ] {
        let (status, body) = rest.ask("GET", path).await;
        assert_eq!((status, &body["code"]), (400, &json!("INVALID_ARGUMENT")), "{path}: {body}");
    }
    assert_eq!(rest.ask("GET", "/v1/edges/7").await.0, 404);
    assert_eq!(rest.ask("DELETE", "/v1/services/7").await.0, 404);
    assert_eq!(rest.ask("POST", "/v1/edges").await.0, 405);
    assert_eq!(rest.ask("GET", "/v2/edges").await.0, 404);
}
