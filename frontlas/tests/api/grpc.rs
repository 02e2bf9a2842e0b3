//! `ClusterService`: every call, every code.

use crate::switch::{SECRET, State};
use crate::world::World;
use frontier_api::cluster::{
    GetEdgeByIdRequest, GetEdgesCountRequest, GetFrontierByEdgeIdRequest, GetServiceByIdRequest,
    GetServicesCountRequest, ListEdgesRequest, ListFrontiersRequest, ListServicesRequest, WatchRequest,
};
use http_body_util::Full;
use hyper::body::Bytes;
use tonic::Code;

async fn world() -> World {
    let world = World::new().await;
    world.frontier("f1").await;
    let lease = world.frontier("f2").await;
    world.edges(&lease, [7, u64::MAX]).await;
    world.service(&lease, 9, "files").await;
    world
}

#[tokio::test]
async fn every_call_answers() {
    let world = world().await;
    let mut client = world.client().await;
    let found = client.get_frontier_by_edge(GetFrontierByEdgeIdRequest { edge_id: 7 }).await.unwrap();
    let frontier = found.into_inner().frontier.unwrap();
    assert_eq!((frontier.frontier_id.as_str(), frontier.advertised_sb_addr.as_str()), ("f2", "f2:30011"));
    assert_eq!((frontier.edge_count, frontier.service_count), (2, 1));
    assert_eq!(frontier.service_names, ["files"]);

    let edge = client.get_edge_by_id(GetEdgeByIdRequest { edge_id: u64::MAX }).await.unwrap();
    let edge = edge.into_inner().edge.unwrap();
    assert_eq!((edge.edge_id, edge.frontier_id.as_str()), (u64::MAX, "f2"));

    let service = client.get_service_by_id(GetServiceByIdRequest { service_id: 9 }).await.unwrap();
    let service = service.into_inner().service.unwrap();
    assert_eq!((service.service_id, service.service.as_str()), (9, "files"));

    let edges = client.get_edges_count(GetEdgesCountRequest {}).await.unwrap().into_inner().count;
    let services = client.get_services_count(GetServicesCountRequest {}).await.unwrap().into_inner().count;
    assert_eq!((edges, services), (2, 1));

    let services = client.list_services(ListServicesRequest::default()).await.unwrap().into_inner().services;
    assert_eq!(services.iter().map(|it| it.service_id).collect::<Vec<_>>(), [9]);
}

#[tokio::test]
async fn lists_by_id_have_an_empty_message_for_who_is_not_there() {
    let world = world().await;
    let mut client = world.client().await;
    let request = ListEdgesRequest { edge_ids: vec![8, 7], ..Default::default() };
    let edges = client.list_edges(request).await.unwrap().into_inner();
    assert_eq!(edges.edges.iter().map(|it| it.edge_id).collect::<Vec<_>>(), [0, 7]);
    assert_eq!((edges.cursor, edges.next_page_token.as_str()), (None, ""));
    let request = ListFrontiersRequest { edge_ids: vec![7, 8], ..Default::default() };
    let frontiers = client.list_frontiers(request).await.unwrap().into_inner().frontiers;
    assert_eq!(frontiers.iter().map(|it| it.frontier_id.as_str()).collect::<Vec<_>>(), ["f2", ""]);
    let request = ListFrontiersRequest { frontier_ids: vec!["x".into(), "f1".into()], ..Default::default() };
    let frontiers = client.list_frontiers(request).await.unwrap().into_inner().frontiers;
    assert_eq!(frontiers.iter().map(|it| it.frontier_id.as_str()).collect::<Vec<_>>(), ["", "f1"]);
    let request = ListServicesRequest { service_ids: vec![9, 10], ..Default::default() };
    let services = client.list_services(request).await.unwrap().into_inner().services;
    assert_eq!(services.iter().map(|it| it.service_id).collect::<Vec<_>>(), [9, 0]);
}

#[tokio::test]
async fn errors_have_their_codes() {
    let world = world().await;
    let mut client = world.client().await;
    let offline = client.get_frontier_by_edge(GetFrontierByEdgeIdRequest { edge_id: 8 }).await.unwrap_err();
    assert_eq!((offline.code(), offline.message()), (Code::NotFound, "edge 8 is not connected"));
    let code = |status: tonic::Status| status.code();
    let offline = client.get_edge_by_id(GetEdgeByIdRequest { edge_id: 8 }).await.unwrap_err();
    assert_eq!(code(offline), Code::NotFound);
    let offline = client.get_service_by_id(GetServiceByIdRequest { service_id: 8 }).await.unwrap_err();
    assert_eq!(code(offline), Code::NotFound);
    let wrong = ListEdgesRequest { page_token: "nonsense".into(), ..Default::default() };
    assert_eq!(code(client.list_edges(wrong).await.unwrap_err()), Code::InvalidArgument);
    let wrong = ListEdgesRequest { edge_ids: vec![1; 1001], ..Default::default() };
    assert_eq!(code(client.list_edges(wrong).await.unwrap_err()), Code::InvalidArgument);
    let wrong = WatchRequest { kinds: vec![99], after: None };
    assert_eq!(code(client.watch(wrong).await.unwrap_err()), Code::InvalidArgument);

    world.directory.set(State::Fails);
    let failed = client.get_edges_count(GetEdgesCountRequest {}).await.unwrap_err();
    assert_eq!(failed.code(), Code::Unavailable);
    assert!(!failed.message().contains(SECRET));
}

/// By hand: a client's library would give up by itself.
#[tokio::test]
async fn a_callers_deadline_is_kept() {
    let world = world().await;
    let ask = async |deadline: &str| {
        // An empty message, not compressed.
        let body = Full::new(Bytes::from_static(&[0; 5]));
        let request = hyper::Request::post("/controlplane.ClusterService/GetEdgesCount")
            .header("content-type", "application/grpc")
            .header("grpc-timeout", deadline);
        world.send(request.body(body).unwrap()).await
    };
    world.directory.set(State::Hangs);
    let answer = ask("50m").await;
    // The status of gRPC is in the headers if there is nothing else.
    assert_eq!((answer.status().as_u16(), answer.headers()["grpc-status"].to_str().unwrap()), (200, "4"));
    world.directory.set(State::Answers);
    let answer = ask("10S").await;
    assert_eq!((answer.status().as_u16(), answer.headers().get("grpc-status")), (200, None));
}

#[tokio::test]
async fn a_service_that_is_not_here_is_not_implemented() {
    let world = world().await;
    for path in ["/other.Service/Call", "/controlplane.ClusterService/Other", "/grpc.health.v1.Health/Other"]
    {
        let request = hyper::Request::post(path).header("content-type", "application/grpc+proto");
        let answer = world.send(request.body(Full::new(Bytes::new())).unwrap()).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["grpc-status"].to_str().unwrap()),
            (200, "12"),
            "{path}"
        );
    }
}
