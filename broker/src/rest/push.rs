//! Responses over WebSocket, pushed within a window of credit: docs/sessions.md.
//!
//! ```text
//!   client ── credit: 100 ─▶            as many responses as there is credit for, each a text
//!          ◀─ {response} ─┤
//!          ── credit: 50, acknowledge: 40 ─▶
//!          ◀─ {endOfResponses}, close 1000   or {fault, message}, and a close with the name of the fault
//! ```

mod session;

use super::responses::start;
use super::{Answer, Id, who};
use crate::api::{Api, client, invalid};
use axum::body::Body;
use axum::extract::{Extension, Path, Request, State};
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Caller, Operator, Query, protocols};
use http::{HeaderMap, HeaderValue, Version, header};
use hyper_util::rt::TokioIo;
use session::{MOST_CREDIT, Session};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::create_response;
use tracing::debug;

/// The subprotocol, for browsers, which offer their token as another one.
const SUBPROTOCOL: &str = "frontier.sessions.v1";

/// How many responses may come before the client says how many more, unless it says so.
const USUAL_CREDIT: u64 = 100;

pub(super) async fn push(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Extension(caller): Extension<Caller>,
    Path(id): Id,
    mut request: Request,
) -> Answer {
    check_origin(&api, request.headers())?;
    let mut query = Query::parse(request.uri())?;
    let named = query.text("client_id")?;
    let start = start(query.text("position")?.as_deref())?;
    let credit = query.number("credit")?.unwrap_or(USUAL_CREDIT);
    let is_manual = match query.text("acknowledge")?.as_deref() {
        None | Some("written") => false,
        Some("client") => true,
        Some(_) => return Err(invalid("acknowledge must be `written` or `client`")),
    };
    query.end()?;
    if credit > MOST_CREDIT {
        return Err(invalid(format!("credit must not be over {MOST_CREDIT}")));
    }
    let response = upgrade(&request)?;
    let slot = api.watches.reserve()?;
    let session = api.session(&id, &operator, OperatorRole::Operate)?;
    let reader = api.reader(session, who(&operator), client(named.as_deref())?, start).await?;
    let reader = if is_manual { reader.manual() } else { reader };
    let upgraded = hyper::upgrade::on(&mut request);
    let server = &api.sessions.config().server;
    let (patience, keepalive) = (server.handshake_timeout, server.keepalive);
    api.tasks.spawn(async move {
        match timeout(patience, upgraded).await {
            Ok(Ok(io)) => Session::new(TokioIo::new(io), reader, credit, keepalive).await.run().await,
            Ok(Err(error)) => debug!(addr = %caller.addr, %error, "a WebSocket did not come about"),
            Err(_) => debug!(addr = %caller.addr, "a WebSocket took too long to come about"),
        }
        // It has its places among the watches and the connections for as long as it goes on.
        drop((slot, caller));
    });
    Ok(response)
}

/// Browsers name the origin of the page, and a page can't keep them from it. Programs name none.
fn check_origin(api: &Api, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let allowed = &api.sessions.config().allowed_origins;
    let is_allowed = |text: &str| allowed.iter().any(|pattern| pattern.allows(text));
    match origin.to_str() {
        Ok(text) if is_allowed(text) => Ok(()),
        _ => Err(ApiError::Denied(
            "pages of this origin may not connect (sessions.allowed_origins)".to_owned(),
        )),
    }
}

/// The answer to a request that becomes a WebSocket.
fn upgrade(request: &Request) -> Answer {
    if request.version() != Version::HTTP_11 {
        return Err(invalid("a WebSocket is asked for with HTTP/1.1"));
    }
    let mut head = http::Request::new(());
    *head.method_mut() = request.method().clone();
    *head.headers_mut() = request.headers().clone();
    let mut response = create_response(&head)
        .map_err(|error| invalid(format!("this path is for WebSocket: {error}")))?
        .map(|()| Body::empty());
    if protocols(request.headers()).any(|protocol| protocol == SUBPROTOCOL) {
        let headers = response.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}
