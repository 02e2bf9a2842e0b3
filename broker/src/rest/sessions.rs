//! Making, finding and ending sessions.

use super::json::{self as written, choice};
use super::requests::read_body;
use super::{Answer, Id, who};
use crate::api::{Api, Refusal, client, invalid};
use crate::session::Session;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use frontier_access::authn::OperatorRole;
use frontier_admin::{Operator, Query, json};
use frontier_api::Object;
use frontier_api::session_json::Create;
use frontier_sessions::SessionKind;
use http::{HeaderValue, StatusCode, Uri, header};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest body that makes a session, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// The longest body where there should be none, in bytes.
const MAX_ATTACH: usize = 4096;

pub(super) async fn create(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    request: Request,
) -> Answer {
    Query::parse(request.uri())?.end()?;
    let body = read_body(&api, request, MAX_BODY, "settings of a session may have").await?;
    let Object(create) =
        serde_json::from_slice::<Object<Create>>(&body.bytes).map_err(|error| invalid(error.to_string()))?;
    let (settings, notes) = written::settings(&create, api.sessions.config().timeouts).map_err(invalid)?;
    let session = api.create(&operator, settings, &notes).await?;
    let mut response = json(StatusCode::CREATED, &written::session_info(&session, None));
    let location = format!("/api/v1/sessions/{}", session.id());
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

pub(super) async fn list(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    let who = who(&operator);
    // Operators of the highest role see what is whose.
    let sees_all = operator.confirm(OperatorRole::Admin).is_ok();
    let mut sessions = api.sessions.all();
    sessions.retain(|session| sees_all || session.check_access(&who).is_ok());
    sessions.sort_by_key(|session| (session.record.created_at, session.id()));
    let listed: Vec<_> = sessions.iter().map(|session| written::listed(session)).collect();
    Ok(json(StatusCode::OK, &listed))
}

pub(super) async fn get(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    let session = api.session(&id, &operator, OperatorRole::Read)?;
    Ok(info(&session, None))
}

fn info(session: &Arc<Session>, client_id: Option<String>) -> Response {
    json(StatusCode::OK, &written::session_info(session, client_id))
}

pub(super) async fn attach(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    request: Request,
) -> Answer {
    let mut query = Query::parse(request.uri())?;
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
    let session = api.session(&id, &operator, OperatorRole::Operate)?;
    let body = read_body(&api, request, MAX_ATTACH, "an attach may have").await?;
    check_empty(&body.bytes)?;
    session.attach(who(&operator), kind).await?;
    Ok(info(&session, client_id))
}

/// What is read of a query alone is not passed over in silence where it stands in a body. An object or a `null` that says
/// nothing is what some clients send where there is no body.
fn check_empty(body: &[u8]) -> Result<(), Refusal> {
    match serde_json::from_slice::<Option<BTreeMap<String, IgnoredAny>>>(body) {
        _ if body.trim_ascii().is_empty() => Ok(()),
        Ok(members) if members.as_ref().is_none_or(BTreeMap::is_empty) => Ok(()),
        _ => Err(invalid("attach has no body: clientId and sessionType stand in its query")),
    }
}

pub(super) async fn close(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    api.close(&operator, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn purge(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Path((id, name)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    api.purge(&operator, &id, client(Some(&name))?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn status(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    uri: Uri,
) -> Answer {
    Query::parse(&uri)?.end()?;
    let session = api.session(&id, &operator, OperatorRole::Read)?;
    Ok(json(StatusCode::OK, &written::status(&session, api.figures(&session))))
}
