//! The paths of the bridge.
//!
//! | path | answer |
//! |---|---|
//! | `GET /bridge/v1/topics` | the topics that who asks may see |
//! | `GET /bridge/v1/topics/{topic}` | its messages: a WebSocket where that is asked for, else server-sent events |
//! | `POST /bridge/v1/tickets` | a ticket, for a URL in place of the credentials that were shown |
//! | each `flat` path | payloads, over WebSocket |
//!
//! `after=POSITION`, or `Last-Event-ID`, goes on behind that message; `last=0` leaves last values out; `ticket=…` shows a
//! ticket.

use crate::bridge::Shared;
use crate::channel::Channel;
use crate::counters::{Refusal, Transport};
use crate::events;
use crate::subscriber::{Subscriber, Wish};
use crate::tickets::LIFETIME;
use crate::visitor::{TurnedAway, Visitor, parameter};
use crate::websocket::{Session, Style, Upgrade, is_upgrade};
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use frontier_admin::{ApiError, Caller, json};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tracing::debug;

/// When somebody who has found no place may try again.
const RETRY_CROWDED: Duration = Duration::from_secs(5);

/// For how long a browser need not ask again what a page may send, in seconds.
const PREFLIGHT_AGE: &str = "600";

type Bridge = State<Arc<Shared>>;

/// A browser asks what a page may send, without credentials.
pub(crate) fn is_public(method: &Method, _: &Uri, _: &HeaderMap) -> bool {
    method == Method::OPTIONS
}

/// Lets a request pass, with the [`Visitor`] that it is from.
pub(crate) fn gate(shared: &Shared, caller: &Caller, request: &mut Request) -> Result<(), Box<Response>> {
    match shared.door.enter(caller, request.uri(), request.headers()) {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            Ok(())
        }
        Err(turned_away) => {
            shared.note(caller.addr, &turned_away);
            let mut response = turned_away.error.into_response();
            share(shared, request.headers(), &mut response);
            Err(Box::new(response))
        }
    }
}

pub(crate) fn routes(shared: &Arc<Shared>) -> Router {
    let mut routes = Router::new()
        .route("/bridge/v1/topics", get(topics).options(preflight))
        .route("/bridge/v1/topics/{topic}", get(subscribe).options(preflight))
        .route("/bridge/v1/tickets", post(ticket).options(preflight));
    for channel in &shared.flat {
        let (path, channel) = (channel.name.clone(), channel.clone());
        let serve =
            move |bridge: Bridge,
                  caller: Extension<Caller>,
                  visitor: Extension<Visitor>,
                  request: Request| { flat(bridge, caller, visitor, channel, request) };
        routes = routes.route(&path, get(serve));
    }
    routes.layer(from_fn_with_state(shared.clone(), share_answers)).with_state(shared.clone())
}

/// The topics that the visitor may see.
async fn topics(State(shared): Bridge, Extension(visitor): Extension<Visitor>) -> Response {
    let may_see = |topic: &&String| shared.door.check_topic(&visitor, topic).is_ok();
    let names: Vec<_> = shared.topics.keys().filter(may_see).collect();
    json(StatusCode::OK, &json!({ "topics": names }))
}

async fn ticket(State(shared): Bridge, Extension(visitor): Extension<Visitor>) -> Response {
    let ticket = shared.door.tickets.give(visitor.verified, Instant::now());
    json(StatusCode::OK, &json!({ "ticket": ticket, "expires_in": LIFETIME.as_secs() }))
}

async fn subscribe(
    State(shared): Bridge,
    Path(topic): Path<String>,
    Extension(caller): Extension<Caller>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let found = shared.door.check_topic(&visitor, &topic).and_then(|()| {
        shared.topics.get(&topic).cloned().ok_or_else(|| TurnedAway {
            why: Refusal::Topic,
            error: ApiError::NotFound("this topic is not bridged (bridge.topics)".into()),
        })
    });
    let visit = Visit { shared, caller, visitor, style: Style::Told };
    match found {
        Ok(channel) => visit.serve(channel, request),
        Err(turned_away) => visit.turn_away(turned_away),
    }
}

async fn flat(
    State(shared): Bridge,
    Extension(caller): Extension<Caller>,
    Extension(visitor): Extension<Visitor>,
    channel: Arc<Channel>,
    request: Request,
) -> Response {
    let checked = channel.topics.iter().try_for_each(|topic| shared.door.check_topic(&visitor, topic));
    let visit = Visit { shared, caller, visitor, style: Style::Flat };
    match checked {
        Ok(()) if is_upgrade(request.headers()) => visit.serve(channel, request),
        Ok(()) => visit.turn_away(TurnedAway {
            why: Refusal::Request,
            error: ApiError::invalid("this path is for WebSocket"),
        }),
        Err(turned_away) => visit.turn_away(turned_away),
    }
}

/// A request to subscribe.
struct Visit {
    shared: Arc<Shared>,
    caller: Caller,
    visitor: Visitor,
    style: Style,
}

impl Visit {
    fn turn_away(&self, turned_away: TurnedAway) -> Response {
        self.shared.note(self.caller.addr, &turned_away);
        turned_away.error.into_response()
    }

    fn serve(self, channel: Arc<Channel>, request: Request) -> Response {
        let served = if is_upgrade(request.headers()) {
            self.websocket(channel, request)
        } else {
            self.events(channel, &request)
        };
        served.unwrap_or_else(|turned_away| self.turn_away(turned_away))
    }

    fn events(&self, channel: Arc<Channel>, request: &Request) -> Result<Response, TurnedAway> {
        let (subscriber, welcome) = self.subscriber(channel, Transport::Events, request)?;
        let with_gzip = self.shared.sessions.compression && events::takes_gzip(request.headers());
        Ok(events::response(subscriber, &welcome, with_gzip, self.shared.kill.clone()))
    }

    fn websocket(&self, channel: Arc<Channel>, mut request: Request) -> Result<Response, TurnedAway> {
        let compression = self.shared.sessions.compression;
        let upgrade = Upgrade::new(request.method(), request.version(), request.headers(), compression);
        let upgrade = upgrade.map_err(invalid)?;
        let (subscriber, welcome) = self.subscriber(channel, Transport::WebSocket, &request)?;
        let upgraded = hyper::upgrade::on(&mut request);
        let (style, is_compressed, kill) = (self.style, upgrade.is_compressed(), self.shared.kill.clone());
        let patience = self.shared.sessions.handshake_timeout;
        // It has its place among the connections for as long as it goes on.
        let caller = self.caller.clone();
        self.shared.tasks.spawn(async move {
            match timeout(patience, upgraded).await {
                Ok(Ok(io)) => {
                    let session = Session::new(TokioIo::new(io), subscriber, style, is_compressed);
                    session.run(welcome, kill).await;
                }
                Ok(Err(error)) => debug!(addr = %caller.addr, %error, "a WebSocket did not come about"),
                Err(_) => debug!(addr = %caller.addr, "a WebSocket took too long to come about"),
            }
            drop(caller);
        });
        Ok(upgrade.response())
    }

    fn subscriber(
        &self,
        channel: Arc<Channel>,
        transport: Transport,
        request: &Request,
    ) -> Result<(Subscriber, crate::notice::Notice), TurnedAway> {
        let wish = wish(request)?;
        let place = self.shared.places.enter(self.caller.addr.ip()).map_err(|crowded| TurnedAway {
            why: Refusal::Crowded,
            error: ApiError::Throttled { reason: crowded.to_string(), retry_after: RETRY_CROWDED },
        })?;
        let expires = self.visitor.verified.expires;
        let sessions = self.shared.sessions.clone();
        debug!(addr = %self.caller.addr, channel = channel.name, transport = transport.as_str(), "a subscriber comes");
        Ok(Subscriber::new(channel, transport, sessions, &wish, expires, place))
    }
}

/// Where the subscriber wants to begin. A browser that connects again by itself says it in a header, and that is newer
/// than the URL.
fn wish(request: &Request) -> Result<Wish, TurnedAway> {
    let header = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let after =
        header.filter(|id| !id.is_empty()).map(str::to_owned).or_else(|| parameter(request.uri(), "after"));
    let after =
        after.map(|text| text.parse().map_err(|()| invalid("`after` is no position such as EPOCH-17")));
    let last_values = match parameter(request.uri(), "last").as_deref() {
        None | Some("1") => true,
        Some("0") => false,
        Some(_) => return Err(invalid("`last` is 0 or 1")),
    };
    Ok(Wish { after: after.transpose()?, last_values })
}

fn invalid(what: &str) -> TurnedAway {
    TurnedAway { why: Refusal::Request, error: ApiError::invalid(what) }
}

/// Tells a browser what a page of an allowed origin may send.
async fn preflight(State(shared): Bridge, headers: HeaderMap) -> Response {
    if shared.door.allowed_origin(&headers).is_none() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, last-event-id"),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

/// Lets pages of allowed origins read the answers.
async fn share_answers(State(shared): Bridge, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.run(request).await;
    if let Some(origin) = origin {
        let headers = HeaderMap::from_iter([(header::ORIGIN, origin)]);
        share(&shared, &headers, &mut response);
    }
    response
}

fn share(shared: &Shared, request: &HeaderMap, response: &mut Response) {
    let Some(origin) = shared.door.allowed_origin(request) else { return };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}
