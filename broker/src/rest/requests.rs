//! Sending requests, and flushing them.

use super::ids;
use super::{Answer, Id, who};
use crate::api::{Api, Refusal, Texts, client, gather_bodies, invalid};
use crate::session::Flush;
use axum::extract::{Extension, Path, Request, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use frontier_access::authn::OperatorRole;
use frontier_admin::{Operator, Query, json};
use frontier_api::Object;
use frontier_api::session_json::{Enqueued, FlushRequests, FlushedRequests, SendRequests, SentRequest};
use frontier_sessions::{self as sessions, ClientId, Fault, FaultCode};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::OwnedSemaphorePermit;

/// The longest body of a flush, in bytes.
const MAX_FLUSH: usize = 4096;

/// A body that was read, and the room that it takes.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Reads a body of at most so many bytes, which `limit` says in words.
pub(super) async fn read_body(
    api: &Api,
    request: Request,
    most: usize,
    limit: &str,
) -> Result<Body, Refusal> {
    let too_large = || {
        let text = format!("the body has more than {most} bytes, the most that {limit}");
        Refusal::Fault(Fault::new(FaultCode::MessageTooLarge, text))
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|it| it.to_str().ok()).and_then(|it| it.parse::<usize>().ok());
    if length.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    // Who does not say how much it is may send as much as there may be.
    let room = api.room(length.unwrap_or(most))?;
    match Limited::new(request.into_body(), most).collect().await {
        Ok(body) => Ok(Body { bytes: body.to_bytes(), _room: room }),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(invalid("the body ended before it was whole")),
    }
}

pub(super) async fn send(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    request: Request,
) -> Answer {
    let mut query = Query::parse(request.uri())?;
    let named = query.text("client_id")?;
    query.end()?;
    let session = api.session(&id, &operator, OperatorRole::Operate)?;
    api.sessions.check_draining()?;
    let key = idempotency_key(request.headers())?;
    let limits = &api.sessions.config().limits;
    let body = read_body(&api, request, limits.batch_size, "a batch may have (batch_size)").await?;
    let Object(read) = serde_json::from_slice::<Object<SendRequests<'_>>>(&body.bytes)
        .map_err(|error| invalid(error.to_string()))?;
    let client = named_client(named.as_deref(), read.client_id.as_deref())?;
    let mut texts = Texts::default();
    let mut requests: Vec<sessions::Request> = read
        .requests
        .iter()
        .enumerate()
        .map(|(place, item)| to_request(place, item, key.as_deref(), &mut texts))
        .collect::<Result<_, _>>()?;
    let message_ids: Vec<_> = requests.iter().map(|request| request.id.to_string()).collect();
    gather_bodies(&mut requests);
    let batch = read.batch_id;
    drop(read);
    drop(body);
    session.send(who(&operator), client, batch, requests).await.map_err(Fault::from)?;
    Ok(json(StatusCode::ACCEPTED, &Enqueued { enqueued: message_ids.len(), message_ids }))
}

/// The client that a query or a body names; where both do it is the same.
fn named_client(in_query: Option<&str>, in_body: Option<&str>) -> Result<ClientId, Refusal> {
    let named = client(in_query.or(in_body))?;
    match in_body {
        Some(text) if client(Some(text))? != named => {
            Err(invalid("clientId is in the query and in the body, and they differ"))
        }
        _ => Ok(named),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= ids::MAX_KEY);
    let text = || invalid(format!("an Idempotency-Key has 1 to {} visible characters", ids::MAX_KEY));
    key.map(|key| Some(key.to_owned())).ok_or_else(text)
}

fn to_request(
    place: usize,
    item: &SentRequest<'_>,
    key: Option<&str>,
    texts: &mut Texts,
) -> Result<sessions::Request, Fault> {
    let wrong = |code, what: &str| Fault::new(code, format!("{what} of request {place}"));
    let body = STANDARD.decode(item.payload.as_deref().unwrap_or_default()).map_err(|error| {
        // Of the library's texts some are sentences, and some are not.
        let (text, error) = (format!("request {place}: the payload is no base64"), error.to_string());
        Fault::new(FaultCode::InvalidRequest, format!("{text}: {}", error.trim_end_matches('.')))
    })?;
    let action = item.action.as_deref().unwrap_or_default();
    let user_data = item.user_data.as_deref().unwrap_or_default();
    let id = match (item.message_id.as_deref(), key) {
        (Some(id), _) => {
            id.parse().map_err(|_| wrong(FaultCode::InvalidMessageId, "a GUID must be the messageId"))?
        }
        (None, Some(key)) => ids::of_key(key, place, action, &body, user_data),
        (None, None) => ids::random(),
    };
    let (action, user_data) = texts.kept(action, user_data);
    Ok(sessions::Request { id, action, body: body.into(), user_data })
}

pub(super) async fn flush(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    request: Request,
) -> Answer {
    let mut query = Query::parse(request.uri())?;
    let (named, ends) = (query.text("client_id")?, query.flag("end")?);
    query.end()?;
    let session = api.session(&id, &operator, OperatorRole::Operate)?;
    let body = read_body(&api, request, MAX_FLUSH, "a flush may have").await?;
    let Object(read) = match &body.bytes[..] {
        [] => Object(FlushRequests::default()),
        bytes => serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?,
    };
    let client = named_client(named.as_deref(), read.client_id.as_deref())?;
    let ends = ends || read.end;
    let flush = Flush { batch: read.batch_id, sent: read.sent, ends };
    let flushed = session.flush(who(&operator), client, flush).await?;
    let message = if ends { "requests ended" } else { "requests flushed" };
    let flushed = FlushedRequests {
        session_id: session.id().to_string(),
        pending_requests: flushed.pending,
        committed_requests: flushed.committed,
        message: message.into(),
    };
    Ok(json(StatusCode::OK, &flushed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_payload_lacks_is_told_after_where_it_is() {
        for (payload, why) in [("a-b=", "Invalid symbol 45, offset 1"), ("a", "Invalid input length: 1")] {
            let body = format!(r#"{{"payload": "{payload}"}}"#);
            let item: SentRequest<'_> = serde_json::from_str(&body).unwrap();
            let fault = to_request(3, &item, None, &mut Texts::default()).unwrap_err();
            assert_eq!(fault.text, format!("request 3: the payload is no base64: {why}"));
        }
    }

    #[test]
    fn a_client_that_is_named_twice_is_the_same() {
        let named = |query, body| named_client(query, body).map(|it| it.to_string()).ok();
        assert_eq!(named(None, None).as_deref(), Some("default"));
        for (query, body) in [(Some("a"), None), (None, Some("a")), (Some("a"), Some("A"))] {
            assert_eq!(named(query, body).as_deref(), Some("a"), "{query:?} {body:?}");
        }
        for (query, body) in [(Some("a"), Some("b")), (Some("a"), Some("")), (Some("/"), Some("a"))] {
            assert_eq!(named(query, body), None, "{query:?} {body:?}");
        }
    }
}
