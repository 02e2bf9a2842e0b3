//! Clients that know only the messages of old: numbers and types as they have them.

use crate::world::World;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message)]
struct ByEdge {
    #[prost(uint64, tag = "1")]
    edge_id: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Frontier {
    #[prost(string, tag = "1")]
    frontier_id: String,
    #[prost(string, tag = "2")]
    advertised_sb_addr: String,
    #[prost(string, tag = "3")]
    advertised_eb_addr: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ByEdgeAnswer {
    #[prost(message, optional, tag = "1")]
    fontier: Option<Frontier>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ListEdges {
    #[prost(uint32, optional, tag = "1")]
    cursor: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    count: Option<u32>,
    /// Not a list there.
    #[prost(uint64, optional, tag = "3")]
    edge_ids: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Edge {
    #[prost(uint64, tag = "1")]
    edge_id: u64,
    #[prost(string, tag = "4")]
    frontier_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ListEdgesAnswer {
    #[prost(uint32, optional, tag = "1")]
    cursor: Option<u32>,
    #[prost(message, repeated, tag = "2")]
    edges: Vec<Edge>,
}

async fn ask<Q, A>(channel: &Channel, call: &str, question: Q) -> A
where
    Q: prost::Message + Send + Sync + 'static,
    A: prost::Message + Default + Send + Sync + 'static,
{
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path: PathAndQuery = format!("/controlplane.{call}").parse().unwrap();
    let codec = ProstCodec::<Q, A>::default();
    grpc.unary(tonic::Request::new(question), path, codec).await.unwrap().into_inner()
}

#[tokio::test]
async fn an_edge_is_found() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    world.edges(&lease, [7]).await;
    let channel = world.channel().await;
    let answer: ByEdgeAnswer = ask(&channel, "ClusterService/GetFrontierByEdge", ByEdge { edge_id: 7 }).await;
    let frontier = answer.fontier.unwrap();
    assert_eq!((frontier.frontier_id.as_str(), frontier.advertised_sb_addr.as_str()), ("f1", "f1:30011"));
    let one = ListEdges { cursor: None, count: None, edge_ids: Some(7) };
    let answer: ListEdgesAnswer = ask(&channel, "ClusterService/ListEdges", one).await;
    assert_eq!(answer.edges, [Edge { edge_id: 7, frontier_id: "f1".into() }]);
}

#[tokio::test]
async fn pages_are_followed_by_the_cursor_until_it_is_zero() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    let ids: Vec<u64> = (0..2500).map(|id| id * 7_000_000_000_000_000 + 1).collect();
    world.edges(&lease, ids.clone()).await;
    let channel = world.channel().await;
    let (mut cursor, mut found) = (0, Vec::new());
    loop {
        let page = ListEdges { cursor: Some(cursor), count: Some(999), edge_ids: None };
        let answer: ListEdgesAnswer = ask(&channel, "ClusterService/ListEdges", page).await;
        found.extend(answer.edges.into_iter().map(|edge| edge.edge_id));
        cursor = answer.cursor.unwrap();
        if cursor == 0 {
            break;
        }
        assert!(found.len() < ids.len());
    }
    assert_eq!(found, ids);
}
