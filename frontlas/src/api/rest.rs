//! The same queries over HTTP with JSON.

mod sse;

use super::queries::Queries;
use super::watch::ClusterWatches;
use crate::model::Kind;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use frontier_admin::{ApiError, Query, json};
use frontier_api::ClusterRoute;
use frontier_api::cluster::{ListEdgesRequest, ListFrontiersRequest, ListServicesRequest};
use frontier_api::json::{Count, Edges, Frontiers, OneEdge, OneFrontier, OneService, Services};
use http::{StatusCode, Uri};
use serde::Serialize;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Rest {
    pub(super) queries: Queries,
    pub(super) watches: ClusterWatches,
}

type Answer = Result<Response, ApiError>;

/// Every route of the table.
pub(super) fn routes(rest: Rest) -> Router {
    let add = |router: Router<Rest>, route: &ClusterRoute| router.route(route.path(), handler(*route));
    ClusterRoute::ALL.iter().fold(Router::new(), add).with_state(rest)
}

fn handler(route: ClusterRoute) -> MethodRouter<Rest> {
    use ClusterRoute as R;
    // There is a filter for each method of the table, and a test asks them all.
    let method = MethodFilter::try_from(route.method()).unwrap_or(MethodFilter::GET);
    match route {
        R::GetFrontierByEdge => on(method, frontier),
        R::ListFrontiers => on(method, frontiers),
        R::GetEdgeByID => on(method, edge),
        R::ListEdges => on(method, edges),
        R::GetEdgesCount => on(method, edges_count),
        R::GetServiceByID => on(method, service),
        R::ListServices => on(method, services),
        R::GetServicesCount => on(method, services_count),
        R::Watch => on(method, sse::watch),
    }
}

async fn frontier(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [edge_id] = Query::parse(&uri)?.numbers(["edge_id"])?;
    let frontier: frontier_api::json::Frontier = rest.queries.frontier_by_edge(edge_id).await?.into();
    Ok(ok(&OneFrontier { fontier: frontier.clone(), frontier }))
}

async fn edge(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [edge_id] = Query::parse(&uri)?.numbers(["edge_id"])?;
    Ok(ok(&OneEdge { edge: rest.queries.edge(edge_id).await?.into() }))
}

async fn service(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [service_id] = Query::parse(&uri)?.numbers(["service_id"])?;
    Ok(ok(&OneService { service: rest.queries.service(service_id).await?.into() }))
}

async fn edges_count(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [] = Query::parse(&uri)?.numbers([])?;
    Ok(ok(&Count { count: rest.queries.count(Kind::Edge).await? }))
}

async fn services_count(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [] = Query::parse(&uri)?.numbers([])?;
    Ok(ok(&Count { count: rest.queries.count(Kind::Service).await? }))
}

async fn frontiers(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let (cursor, page_token) = query.cursor()?;
    let request = ListFrontiersRequest {
        cursor,
        count: query.number("count")?,
        edge_ids: query.ids("edge_ids")?,
        frontier_ids: query.all("frontier_ids"),
        page_token,
    };
    query.end()?;
    let list = rest.queries.frontiers(request).await?;
    Ok(ok(&Frontiers { cursor: filled(list.next_token), frontiers: records(list.items) }))
}

async fn edges(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let (cursor, page_token) = query.cursor()?;
    let (count, edge_ids) = (query.number("count")?, query.ids("edge_ids")?);
    query.end()?;
    let list = rest.queries.edges(ListEdgesRequest { cursor, count, edge_ids, page_token }).await?;
    Ok(ok(&Edges { cursor: filled(list.next_token), edges: records(list.items) }))
}

async fn services(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let (cursor, page_token) = query.cursor()?;
    let (count, service_ids) = (query.number("count")?, query.ids("service_ids")?);
    query.end()?;
    let list = rest.queries.services(ListServicesRequest { cursor, count, service_ids, page_token }).await?;
    Ok(ok(&Services { cursor: filled(list.next_token), services: records(list.items) }))
}

fn filled(token: String) -> Option<String> {
    (!token.is_empty()).then_some(token)
}

fn records<T, R: From<T>>(items: Vec<Option<T>>) -> Vec<Option<R>> {
    items.into_iter().map(|item| item.map(R::from)).collect()
}

fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}
