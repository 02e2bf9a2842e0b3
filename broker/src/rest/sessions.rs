//! Making, finding and ending sessions.

use super::error::{Refusal, invalid};
use super::json::{Create, Listed, SessionInfo, Status, choice};
use super::requests::read_body;
use super::{Answer, Id, Rest, client, who};
use crate::session::Session;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Operator, Query, json};
use frontier_sessions::{Fault, SessionKind};
use http::{HeaderValue, StatusCode, Uri, header};
use std::sync::Arc;

/// The longest body that makes a session, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Whose answer is written to the audit log as one of a change.
async fn audited<T>(
    operator: &Operator,
    action: &'static str,
    target: &str,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Refusal> {
    let mut fault = None;
    let work = async {
        work.await.map_err(|error| {
            let told = ApiError::Precondition(error.to_string());
            fault = Some(error);
            told
        })
    };
    let done = operator.perform(OperatorRole::Operate, action, target, work).await;
    done.map_err(|error| fault.map_or(Refusal::Api(error), Refusal::Fault))
}

pub(super) async fn create(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    request: Request,
) -> Answer {
    Query::parse(request.uri())?.end()?;
    let body = read_body(&rest, request, MAX_BODY).await?;
    let create: Create = serde_json::from_slice(&body.bytes).map_err(|error| invalid(error.to_string()))?;
    let (settings, notes) = create.settings(rest.sessions.config().timeouts).map_err(invalid)?;
    // Only maps with keys that are no text fail.
    let notes = serde_json::to_vec(&notes).unwrap_or_default();
    let service = settings.service.clone();
    let made = rest.sessions.create(who(&operator), settings, notes);
    let session = audited(&operator, "create_session", &service, made).await?;
    let mut response = json(StatusCode::CREATED, &SessionInfo::new(&session, None));
    let location = format!("/api/v1/sessions/{}", session.id());
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

pub(super) async fn list(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    let who = who(&operator);
    // Operators of the highest role see what is whose.
    let sees_all = operator.confirm(OperatorRole::Admin).is_ok();
    let mut sessions = rest.sessions.all();
    sessions.retain(|session| sees_all || session.check_access(&who).is_ok());
    sessions.sort_by_key(|session| (session.record.created_at, session.id()));
    let listed: Vec<_> = sessions.iter().map(|session| Listed::from(&**session)).collect();
    Ok(json(StatusCode::OK, &listed))
}

pub(super) async fn get(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    let session = rest.session(&id, &operator, OperatorRole::Read)?;
    Ok(info(&session, None))
}

fn info(session: &Arc<Session>, client_id: Option<String>) -> Response {
    json(StatusCode::OK, &SessionInfo::new(session, client_id))
}

pub(super) async fn attach(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    uri: Uri,
) -> Answer {
    let mut query = Query::parse(&uri)?;
    let (client_id, kind) = (query.text("client_id")?, query.text("session_type")?);
    query.end()?;
    if let Some(client_id) = &client_id {
        client(Some(client_id))?;
    }
    let kind = match kind {
        None => None,
        Some(text) => {
            let value = text.parse::<u64>().map_or_else(|_| text.into(), serde_json::Value::from);
            match choice("sessionType", &value, &["Interactive", "Durable"]).map_err(invalid)? {
                0 => Some(SessionKind::Interactive),
                _ => Some(SessionKind::Durable),
            }
        }
    };
    let session = rest.session(&id, &operator, OperatorRole::Operate)?;
    session.attach(who(&operator), kind).await?;
    Ok(info(&session, client_id))
}

pub(super) async fn close(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    let session = rest.session(&id, &operator, OperatorRole::Operate)?;
    audited(&operator, "close_session", &id, session.close(who(&operator))).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn purge(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    Path((id, name)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    let session = rest.session(&id, &operator, OperatorRole::Operate)?;
    let client = client(Some(&name))?;
    audited(&operator, "purge_client", &id, session.purge(who(&operator), client)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn status(
    State(rest): State<Rest>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    let session = rest.session(&id, &operator, OperatorRole::Read)?;
    let standing = rest.sessions.standing();
    let figures = standing.get(session.record.settings.service.as_str()).copied().unwrap_or_default();
    Ok(json(StatusCode::OK, &Status::new(&session, figures.hosts, figures.capacity)))
}
