//! Pages of a list that changes meanwhile.

use crate::world::World;
use frontier_api::cluster::{ListEdgesRequest, ListFrontiersRequest};
use frontier_api::{CLUSTER_OPENAPI, json};
use serde_json::{Value, from_value};
use std::collections::BTreeSet;

#[tokio::test]
async fn what_stays_is_on_exactly_one_page_whatever_else_comes_and_goes() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    let stays: BTreeSet<u64> = (1..=60).map(|id| id * 1000).collect();
    world.edges(&lease, stays.iter().copied()).await;
    let (mut cursor, mut found) = (None::<String>, Vec::new());
    for round in 0.. {
        let from = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let body = world.ok(&format!("/cluster/v1/edges?count=7{from}")).await;
        let page: json::Edges = from_value(body).unwrap();
        assert!(page.edges.len() <= 7);
        found.extend(page.edges.into_iter().map(|edge| edge.unwrap().edge_id));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
        // Before and after where the reading is.
        world.edges(&lease, [round + 1, 1000 * (round + 1) + 1, 59_000 + round]).await;
        world.edge_leaves(&lease, round).await;
        assert!(round < 60, "it does not end");
    }
    assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
    let found: BTreeSet<u64> = found.into_iter().collect();
    assert!(found.is_superset(&stays));
}

#[tokio::test]
async fn frontiers_have_pages_too() {
    let world = World::new().await;
    let mut ids: Vec<String> = (0..25).map(|number| format!("pod-{number}-ü")).collect();
    for id in &ids {
        world.frontier(id).await;
    }
    ids.sort();
    let mut client = world.client().await;
    let (mut token, mut found) = (String::new(), Vec::new());
    loop {
        let request = ListFrontiersRequest { count: Some(10), page_token: token, ..Default::default() };
        let page = client.list_frontiers(request).await.unwrap().into_inner();
        found.extend(page.frontiers.into_iter().map(|frontier| frontier.frontier_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        // Before where the reading is: it must move nothing.
        world.frontier("a").await;
    }
    assert_eq!(found, ids);
    let request = ListFrontiersRequest { cursor: Some(20), ..Default::default() };
    let page = client.list_frontiers(request).await.unwrap().into_inner();
    assert_eq!((page.frontiers.len(), page.cursor), (6, Some(0)));
}

#[tokio::test]
async fn the_length_of_a_page_is_bounded() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    world.edges(&lease, 1..=1500).await;
    let mut client = world.client().await;
    for (count, expected) in [(None, 100), (Some(0), 100), (Some(1), 1), (Some(5000), 1000)] {
        let request = ListEdgesRequest { count, ..Default::default() };
        let page = client.list_edges(request).await.unwrap().into_inner();
        assert_eq!(page.edges.len(), expected);
        assert!(!page.next_page_token.is_empty());
    }
    let page: json::Edges = from_value(world.ok("/cluster/v1/edges?count=1000&cursor=e1f6").await).unwrap();
    assert_eq!((page.edges.len(), page.cursor), (999, None));
    let page: json::Edges = from_value(world.ok("/cluster/v1/edges?cursor=1495").await).unwrap();
    assert_eq!((page.edges.len(), page.cursor), (5, None));
    let page: json::Edges = from_value(world.ok("/cluster/v1/edges?cursor=99999").await).unwrap();
    assert_eq!((page.edges.len(), page.cursor), (0, None));
    for list in ["frontiers", "edges", "services"] {
        let (code, text) = world.error(&format!("/cluster/v1/{list}?cursor=4000000000"), 400).await;
        assert!(code == "INVALID_ARGUMENT" && text.contains("4000000000"), "{code}: {text}");
    }
}

#[tokio::test]
async fn defaults_and_bounds_are_those_of_the_document() {
    let document: Value = serde_json::from_str(CLUSTER_OPENAPI).unwrap();
    let parameters = document["paths"]["/cluster/v1/edges"]["get"]["parameters"].as_array().unwrap();
    let bound = |parameter: &str, key: &str| {
        let found = parameters.iter().find(|it| it["name"] == parameter).unwrap();
        found["schema"][key].as_u64().unwrap()
    };
    let (count, ids) = (bound("count", "default"), bound("edge_ids", "maxItems"));
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    world.edges(&lease, 1..=count + 1).await;
    let page: json::Edges = from_value(world.ok("/cluster/v1/edges").await).unwrap();
    assert_eq!(page.edges.len() as u64, count);
    let path = |ids: u64| {
        let ids: Vec<_> = (1..=ids).map(|id| id.to_string()).collect();
        format!("/cluster/v1/edges?edge_ids={}", ids.join(","))
    };
    let page: json::Edges = from_value(world.ok(&path(ids)).await).unwrap();
    assert_eq!(page.edges.len() as u64, ids);
    world.error(&path(ids + 1), 400).await;
}
