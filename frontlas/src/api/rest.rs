//! The same questions over HTTP with JSON.

mod query;
mod sse;

use super::error::ApiError;
use super::questions::Questions;
use super::watch::Watches;
use crate::model::Kind;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use frontier_api::cluster::{ListEdgesRequest, ListFrontiersRequest, ListServicesRequest};
use frontier_api::json::{Count, Edges, Frontiers, OneEdge, OneFrontier, OneService, Services};
use http::{HeaderValue, StatusCode, Uri, header};
use query::Query;
use serde::Serialize;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Rest {
    pub(crate) questions: Questions,
    pub(crate) watches: Watches,
}

type Answer = Result<Response, ApiError>;

pub(crate) fn routes(rest: Rest) -> Router {
    Router::new()
        .route("/cluster/v1/frontier", get(frontier))
        .route("/cluster/v1/frontiers", get(frontiers))
        .route("/cluster/v1/edge", get(edge))
        .route("/cluster/v1/edges", get(edges))
        .route("/cluster/v1/edges/count", get(edges_count))
        .route("/cluster/v1/service", get(service))
        .route("/cluster/v1/services", get(services))
        .route("/cluster/v1/services/count", get(services_count))
        .route("/cluster/v1/watch", get(sse::watch))
        .with_state(rest)
}

async fn frontier(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [edge_id] = Query::parse(&uri)?.numbers(["edge_id"])?;
    let frontier: frontier_api::json::Frontier = rest.questions.frontier_by_edge(edge_id).await?.into();
    Ok(ok(&OneFrontier { fontier: frontier.clone(), frontier }))
}

async fn edge(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [edge_id] = Query::parse(&uri)?.numbers(["edge_id"])?;
    Ok(ok(&OneEdge { edge: rest.questions.edge(edge_id).await?.into() }))
}

async fn service(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [service_id] = Query::parse(&uri)?.numbers(["service_id"])?;
    Ok(ok(&OneService { service: rest.questions.service(service_id).await?.into() }))
}

async fn edges_count(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [] = Query::parse(&uri)?.numbers([])?;
    Ok(ok(&Count { count: rest.questions.count(Kind::Edge).await? }))
}

async fn services_count(State(rest): State<Rest>, uri: Uri) -> Answer {
    let [] = Query::parse(&uri)?.numbers([])?;
    Ok(ok(&Count { count: rest.questions.count(Kind::Service).await? }))
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
    let listed = rest.questions.frontiers(request).await?;
    Ok(ok(&Frontiers { cursor: filled(listed.next_token), frontiers: records(listed.items) }))
}

async fn edges(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let (cursor, page_token) = query.cursor()?;
    let (count, edge_ids) = (query.number("count")?, query.ids("edge_ids")?);
    query.end()?;
    let listed = rest.questions.edges(ListEdgesRequest { cursor, count, edge_ids, page_token }).await?;
    Ok(ok(&Edges { cursor: filled(listed.next_token), edges: records(listed.items) }))
}

async fn services(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let (cursor, page_token) = query.cursor()?;
    let (count, service_ids) = (query.number("count")?, query.ids("service_ids")?);
    query.end()?;
    let listed =
        rest.questions.services(ListServicesRequest { cursor, count, service_ids, page_token }).await?;
    Ok(ok(&Services { cursor: filled(listed.next_token), services: records(listed.items) }))
}

/// The service that a question about health is about; empty for all.
pub(crate) fn service_asked(uri: &Uri) -> Result<String, ApiError> {
    let mut query = Query::parse(uri)?;
    let service = query.text("service")?.unwrap_or_default();
    query.end()?;
    Ok(service)
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

/// An answer that nobody keeps: the next one may be another.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(text) = serde_json::to_vec(body) else {
        // Only maps with keys that are no text fail, and there are none.
        return with_status(StatusCode::INTERNAL_SERVER_ERROR, Response::default());
    };
    let mut response = with_status(status, Response::new(Body::from(text)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn with_status(status: StatusCode, mut response: Response) -> Response {
    *response.status_mut() = status;
    response
}
