//! The same over HTTP with JSON.

use super::Shared;
use super::requests::{Receiver, Sent};
use super::watch::WatchFilter;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Extension, Path, State};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use frontier_admin::sse::{self, event};
use frontier_admin::{ApiError, Operator, Query, json};
use frontier_api::gateway::watch_response::Event;
use frontier_api::gateway::{
    ListEdgeRpCsRequest, ListEdgeRpCsResponse, ListEdgesRequest, ListEdgesResponse, ListServiceRpCsRequest,
    ListServiceRpCsResponse, ListServiceTopicsRequest, ListServiceTopicsResponse, ListServicesRequest,
    ListServicesResponse,
};
use frontier_api::gateway::{WatchKind, WatchResponse};
use frontier_api::gateway_json::{
    Answer as CallAnswer, Call, Change, Edge, Edges, LogLevel, Policy, Publish, Rates, Rpcs, Service,
    Services, Snapshot, Status, Topics,
};
use frontier_api::{GatewayRoute, Object};
use frontier_exchange::RequestKind;
use http::{StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

type Answer = Result<Response, ApiError>;

/// An id in the path.
type Id = Result<Path<u64>, PathRejection>;

/// Every route of the table. No body is longer than `request_size`.
pub(super) fn routes(rest: Shared, request_size: usize) -> Router {
    let add = |router: Router<Shared>, route: &GatewayRoute| router.route(route.path(), handler(*route));
    let router = GatewayRoute::ALL.iter().fold(Router::new(), add);
    router.layer(DefaultBodyLimit::max(request_size)).with_state(rest)
}

fn handler(route: GatewayRoute) -> MethodRouter<Shared> {
    use GatewayRoute as R;
    // There is a filter for each method of the table, and a test asks them all.
    let method = MethodFilter::try_from(route.method()).unwrap_or(MethodFilter::GET);
    match route {
        R::ListEdges => on(method, edges),
        R::GetEdge => on(method, edge),
        R::KickEdge => on(method, kick_edge),
        R::CallEdge => on(method, call_edge),
        R::PublishToEdge => on(method, publish_to_edge),
        R::ListServices => on(method, services),
        R::GetService => on(method, service),
        R::KickService => on(method, kick_service),
        R::CallService => on(method, call_service),
        R::PublishToService => on(method, publish_to_service),
        R::ListEdgeRPCs => on(method, edge_rpcs),
        R::ListServiceRPCs => on(method, service_rpcs),
        R::ListServiceTopics => on(method, service_topics),
        R::GetStatus => on(method, status),
        R::GetPolicy => on(method, policy),
        R::GetLogLevel => on(method, log_level),
        R::SetLogLevel => on(method, set_log_level),
        R::Drain => on(method, drain),
        R::Watch => on(method, watch),
    }
}

/// The id, where there is nothing else.
fn id(id: Id, uri: &Uri) -> Result<u64, ApiError> {
    let [] = Query::parse(uri)?.numbers([])?;
    id.map(|Path(id)| id).map_err(|_| ApiError::invalid("the id in the path must be a whole number"))
}

async fn edge(State(rest): State<Shared>, path: Id, uri: Uri) -> Answer {
    Ok(ok(&Edge::from(rest.queries.edge(id(path, &uri)?)?)))
}

async fn service(State(rest): State<Shared>, path: Id, uri: Uri) -> Answer {
    Ok(ok(&Service::from(rest.queries.service(id(path, &uri)?)?)))
}

async fn kick_edge(
    State(rest): State<Shared>,
    Extension(operator): Extension<Operator>,
    path: Id,
    uri: Uri,
) -> Answer {
    rest.actions.kick_edge(&operator, id(path, &uri)?).await?;
    Ok(done())
}

async fn kick_service(
    State(rest): State<Shared>,
    Extension(operator): Extension<Operator>,
    path: Id,
    uri: Uri,
) -> Answer {
    rest.actions.kick_service(&operator, id(path, &uri)?).await?;
    Ok(done())
}

async fn edges(State(rest): State<Shared>, uri: Uri) -> Answer {
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

async fn edge_rpcs(State(rest): State<Shared>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let request = ListEdgeRpCsRequest {
        meta: query.text("meta")?,
        edge_id: query.number("edge_id")?,
        page: query.signed("page")?.unwrap_or_default(),
        page_size: query.signed("page_size")?.unwrap_or_default(),
        start_time: query.signed("start_time")?,
        end_time: query.signed("end_time")?,
        order: query.text("order")?,
        page_token: query.text("page_token")?.unwrap_or_default(),
    };
    query.end()?;
    let list = rest.queries.edge_rpcs(request).await?;
    let count = list.count();
    Ok(ok(&Rpcs::from(ListEdgeRpCsResponse { rpcs: list.items, count, next_page_token: list.next })))
}

async fn services(State(rest): State<Shared>, uri: Uri) -> Answer {
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

async fn service_rpcs(State(rest): State<Shared>, uri: Uri) -> Answer {
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

async fn service_topics(State(rest): State<Shared>, uri: Uri) -> Answer {
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

/// A body, and its JSON.
type Body = Result<Bytes, BytesRejection>;

fn read<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let body = body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge,
        _ => ApiError::invalid(format!("the body can't be read: {error}")),
    })?;
    serde_json::from_slice(&body)
        .map(|Object(read)| read)
        .map_err(|error| ApiError::invalid(format!("the body is not as it should be: {error}")))
}

async fn call(rest: &Shared, operator: &Operator, to: Receiver, body: Body) -> Answer {
    let Call { method, payload, timeout_ms } = read(body)?;
    let sent = Sent { kind: RequestKind::Call, name: &method, payload: &payload, timeout_ms };
    let payload = rest.requests.send(operator, to, sent).await?;
    Ok(ok(&CallAnswer { payload }))
}

async fn publish(rest: &Shared, operator: &Operator, to: Receiver, body: Body) -> Answer {
    let Publish { topic, payload, timeout_ms } = read(body)?;
    let sent = Sent { kind: RequestKind::Message, name: &topic, payload: &payload, timeout_ms };
    rest.requests.send(operator, to, sent).await?;
    Ok(done())
}

async fn call_edge(
    State(rest): State<Shared>,
    Extension(operator): Extension<Operator>,
    path: Id,
    uri: Uri,
    body: Body,
) -> Answer {
    call(&rest, &operator, Receiver::Edge(id(path, &uri)?), body).await
}

async fn publish_to_edge(
    State(rest): State<Shared>,
    Extension(operator): Extension<Operator>,
    path: Id,
    uri: Uri,
    body: Body,
) -> Answer {
    publish(&rest, &operator, Receiver::Edge(id(path, &uri)?), body).await
}

async fn call_service(
    State(rest): State<Shared>,
    Extension(operator): Extension<Operator>,
    path: Id,
    uri: Uri,
    body: Body,
) -> Answer {
    call(&rest, &operator, Receiver::Service(id(path, &uri)?), body).await
}

async fn publish_to_service(
    State(rest): State<Shared>,
    Extension(operator): Extension<Operator>,
    path: Id,
    uri: Uri,
    body: Body,
) -> Answer {
    publish(&rest, &operator, Receiver::Service(id(path, &uri)?), body).await
}

/// Refuses parameters where there are none.
fn bare(uri: &Uri) -> Result<(), ApiError> {
    let [] = Query::parse(uri)?.numbers([])?;
    Ok(())
}

async fn status(State(rest): State<Shared>, Extension(operator): Extension<Operator>, uri: Uri) -> Answer {
    bare(&uri)?;
    Ok(ok(&Status::from(rest.about.status(operator.role()))))
}

async fn policy(State(rest): State<Shared>, uri: Uri) -> Answer {
    bare(&uri)?;
    Ok(ok(&Policy::from(rest.about.policy())))
}

async fn log_level(State(rest): State<Shared>, uri: Uri) -> Answer {
    bare(&uri)?;
    Ok(ok(&LogLevel { level: rest.actions.log_level()? }))
}

async fn set_log_level(
    State(rest): State<Shared>,
    Extension(operator): Extension<Operator>,
    uri: Uri,
    body: Body,
) -> Answer {
    bare(&uri)?;
    let LogLevel { level } = read(body)?;
    let level = rest.actions.set_log_level(&operator, &level).await?;
    Ok(ok(&LogLevel { level }))
}

async fn drain(State(rest): State<Shared>, Extension(operator): Extension<Operator>, uri: Uri) -> Answer {
    bare(&uri)?;
    rest.actions.drain(&operator).await?;
    Ok(done())
}

/// Events are `snapshot`, `change`, `rates`, and `end` with the error that ends the watch. A frame without data is a sign of
/// life.
async fn watch(State(rest): State<Shared>, uri: Uri) -> Answer {
    let mut query = Query::parse(&uri)?;
    let kinds = query.all("kinds");
    let changes_only = query.flag("changes_only")?;
    query.end()?;
    let filter = WatchFilter::new(kinds.iter().flat_map(|names| names.split(',')).map(kind))?;
    let filter = WatchFilter { changes_only, ..filter };
    Ok(sse::response(rest.watches.open(filter)?, frame))
}

/// An unknown word is the unspecified kind, which is refused.
fn kind(name: &str) -> WatchKind {
    match name {
        "edges" => WatchKind::Edges,
        "services" => WatchKind::Services,
        "rates" => WatchKind::Rates,
        _ => WatchKind::Unspecified,
    }
}

fn frame(item: WatchResponse) -> Bytes {
    let no_id = None::<&str>;
    match item.event {
        Some(Event::Snapshot(part)) => event("snapshot", no_id, &Snapshot::from(part)),
        Some(Event::Change(change)) => match change.what {
            Some(what) => event("change", no_id, &Change::from(what)),
            None => SIGN_OF_LIFE,
        },
        Some(Event::Rates(rates)) => event("rates", no_id, &Rates::from(rates)),
        None => SIGN_OF_LIFE,
    }
}

/// A comment.
const SIGN_OF_LIFE: Bytes = Bytes::from_static(b":\n\n");

fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

/// A change was made.
fn done() -> Response {
    ok(&serde_json::json!({}))
}
