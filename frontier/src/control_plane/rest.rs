//! The same over HTTP with JSON.

use super::actions::Actions;
use super::queries::Queries;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::get;
use frontier_admin::{ApiError, Operator, Query, json};
use frontier_api::gateway::{
    ListEdgesRequest, ListEdgesResponse, ListServiceRpCsRequest, ListServiceRpCsResponse,
    ListServiceTopicsRequest, ListServiceTopicsResponse, ListServicesRequest, ListServicesResponse,
};
use frontier_api::gateway_json::{Edge, Edges, Rpcs, Service, Services, Topics};
use http::{StatusCode, Uri};
use serde::Serialize;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Rest {
    pub(super) queries: Queries,
    pub(super) actions: Actions,
}

type Answer = Result<Response, ApiError>;

/// An id in the path.
type Id = Result<Path<u64>, PathRejection>;

pub(super) fn routes(rest: Rest) -> Router {
    Router::new()
        .route("/v1/edges", get(edges))
        .route("/v1/edges/{edge_id}", get(edge).delete(kick_edge))
        .route("/v1/services", get(services))
        .route("/v1/services/rpcs", get(service_rpcs))
        .route("/v1/services/topics", get(service_topics))
        .route("/v1/services/{service_id}", get(service).delete(kick_service))
        .with_state(rest)
}

/// The id, where there is nothing else.
fn id(id: Id, uri: &Uri) -> Result<u64, ApiError> {
    let [] = Query::parse(uri)?.numbers([])?;
    id.map(|Path(id)| id).map_err(|_| ApiError::invalid("the id in the path must be a whole number"))
}

async fn edge(State(rest): State<Rest>, path: Id, uri: Uri) -> Answer {
    Ok(ok(&Edge::from(rest.queries.edge(id(path, &uri)?)?)))
}

async fn service(State(rest): State<Rest>, path: Id, uri: Uri) -> Answer {
    Ok(ok(&Service::from(rest.queries.service(id(path, &uri)?)?)))
}

async fn kick_edge(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    path: Id,
    uri: Uri,
) -> Answer {
    rest.actions.kick_edge(&operator, id(path, &uri)?).await?;
    Ok(done())
}

async fn kick_service(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    path: Id,
    uri: Uri,
) -> Answer {
    rest.actions.kick_service(&operator, id(path, &uri)?).await?;
    Ok(done())
}

async fn edges(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let request = ListEdgesRequest {
        meta: query.text("meta")?,
        addr: query.text("addr")?,
        rpc: query.text("rpc")?,
        edge_id: query.number("edge_id")?,
        page: query.signed("page")?.unwrap_or_default(),
        page_size: query.signed("page_size")?.unwrap_or_default(),
        start_time: query.signed("start_time")?,
        end_time: query.signed("end_time")?,
        order: query.text("order")?,
        page_token: query.text("page_token")?.unwrap_or_default(),
    };
    query.end()?;
    let list = rest.queries.edges(request).await?;
    let count = list.count();
    Ok(ok(&Edges::from(ListEdgesResponse { edges: list.items, count, next_page_token: list.next })))
}

async fn services(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let request = ListServicesRequest {
        service: query.text("service")?,
        addr: query.text("addr")?,
        rpc: query.text("rpc")?,
        topic: query.text("topic")?,
        page: query.signed("page")?.unwrap_or_default(),
        page_size: query.signed("page_size")?.unwrap_or_default(),
        start_time: query.signed("start_time")?,
        end_time: query.signed("end_time")?,
        order: query.text("order")?,
        page_token: query.text("page_token")?.unwrap_or_default(),
    };
    query.end()?;
    let list = rest.queries.services(request).await?;
    let count = list.count();
    Ok(ok(&Services::from(ListServicesResponse { services: list.items, count, next_page_token: list.next })))
}

async fn service_rpcs(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let request = ListServiceRpCsRequest {
        service: query.text("service")?,
        service_id: query.number("service_id")?,
        page: query.signed("page")?.unwrap_or_default(),
        page_size: query.signed("page_size")?.unwrap_or_default(),
        start_time: query.signed("start_time")?,
        end_time: query.signed("end_time")?,
        order: query.text("order")?,
        page_token: query.text("page_token")?.unwrap_or_default(),
    };
    query.end()?;
    let list = rest.queries.service_rpcs(request).await?;
    let count = list.count();
    Ok(ok(&Rpcs::from(ListServiceRpCsResponse { rpcs: list.items, count, next_page_token: list.next })))
}

async fn service_topics(State(rest): State<Rest>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let request = ListServiceTopicsRequest {
        service: query.text("service")?,
        service_id: query.number("service_id")?,
        page: query.signed("page")?.unwrap_or_default(),
        page_size: query.signed("page_size")?.unwrap_or_default(),
        start_time: query.signed("start_time")?,
        end_time: query.signed("end_time")?,
        order: query.text("order")?,
        page_token: query.text("page_token")?.unwrap_or_default(),
    };
    query.end()?;
    let list = rest.queries.service_topics(request).await?;
    let count = list.count();
    Ok(ok(&Topics::from(ListServiceTopicsResponse { topics: list.items, count, next_page_token: list.next })))
}

fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

/// A change was made.
fn done() -> Response {
    ok(&serde_json::json!({}))
}
