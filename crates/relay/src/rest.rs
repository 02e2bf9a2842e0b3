//! The same for whoever has nothing but HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `POST /relay/v1/amqp?exchange=E&routing_key=K` with the message | [`Answered`] |
//! | `POST /relay/v1/kafka?topic=T` with the message | [`Answered`] |
//! | `GET /relay/v1/targets` | where messages may go, and whether the brokers are there |

use crate::caller::Who;
use crate::counters::Via;
use crate::order::{Order, Said, Target, invalid};
use crate::relay::Shared;
use crate::{Answer, Fault};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use frontier_admin::{Query, RequestDeadline, json};
use http::{HeaderMap, StatusCode, Uri, header};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The JSON of an answer.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    error_no: i32,
    error: &'static str,
    error_message: &'a str,
    /// Whether nobody knows if the message was stored.
    may_be_stored: bool,
}

type Relay = State<Arc<Shared>>;

pub(crate) fn routes(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/relay/v1/amqp", post(amqp))
        .route("/relay/v1/kafka", post(kafka))
        .route("/relay/v1/targets", get(targets))
        .with_state(shared.clone())
}

async fn targets(State(shared): Relay) -> Response {
    json(StatusCode::OK, &json!({ "targets": shared.targets.describe() }))
}

async fn amqp(
    relay: Relay,
    who: Extension<Who>,
    deadline: Extension<RequestDeadline>,
    request: Request,
) -> Response {
    send(relay, who, deadline, request, |query| {
        Ok(Target::Amqp {
            server: text(query, "server")?,
            exchange: text(query, "exchange")?,
            routing_key: text(query, "routing_key")?,
        })
    })
    .await
}

async fn kafka(
    relay: Relay,
    who: Extension<Who>,
    deadline: Extension<RequestDeadline>,
    request: Request,
) -> Response {
    send(relay, who, deadline, request, |query| {
        Ok(Target::Kafka { brokers: query.all("broker"), topic: text(query, "topic")? })
    })
    .await
}

fn text(query: &mut Query, name: &str) -> Result<String, Answer> {
    query.text(name).map(Option::unwrap_or_default).map_err(|error| invalid(error.to_string()))
}

async fn send(
    State(shared): Relay,
    Extension(who): Extension<Who>,
    Extension(RequestDeadline(deadline)): Extension<RequestDeadline>,
    request: Request,
    target: impl FnOnce(&mut Query) -> Result<Target, Answer>,
) -> Response {
    let (parts, body) = request.into_parts();
    let read = read(&parts.uri, &parts.headers, target);
    let read = match read {
        Ok((said, target)) => {
            body_of(body, shared.config.message_size).await.map(|data| (said, target, data))
        }
        Err(answer) => Err(answer),
    };
    let answer = match read {
        Ok((Said { job, key, repeat_age }, target, data)) => {
            let order = Order { via: Via::Http, who, job, key, repeat_age, target, data, deadline };
            shared.send(order).await
        }
        Err(answer) => {
            shared.counters.answered(Via::Http, &answer, Duration::ZERO);
            answer
        }
    };
    respond(&answer)
}

fn read(
    uri: &Uri,
    headers: &HeaderMap,
    target: impl FnOnce(&mut Query) -> Result<Target, Answer>,
) -> Result<(Said, Target), Answer> {
    let mut query = Query::parse(uri).map_err(|error| invalid(error.to_string()))?;
    let target = target(&mut query)?;
    query.end().map_err(|error| invalid(error.to_string()))?;
    Ok((Said::read(headers)?, target))
}

async fn body_of(body: Body, max: usize) -> Result<Bytes, Answer> {
    axum::body::to_bytes(body, max).await.map_err(|error| {
        let text = format!("the message may have {max} bytes (relay.message_size), and has more or has not come whole: {error}");
        Answer::new(Fault::TooLarge, text)
    })
}

fn respond(answer: &Answer) -> Response {
    let answered = Answered {
        error_no: answer.number(),
        error: answer.name(),
        error_message: &answer.text,
        may_be_stored: answer.may_be_stored(),
    };
    let mut response = json(status(answer.fault), &answered);
    if let Some(retry_after) = answer.retry_after {
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn status(fault: Option<Fault>) -> StatusCode {
    match fault {
        None => StatusCode::OK,
        Some(Fault::Invalid) => StatusCode::BAD_REQUEST,
        Some(Fault::NotAllowed) => StatusCode::FORBIDDEN,
        Some(Fault::RateLimited | Fault::Overloaded) => StatusCode::TOO_MANY_REQUESTS,
        Some(Fault::NoTarget) => StatusCode::NOT_FOUND,
        Some(Fault::NotConnected | Fault::Busy | Fault::Closing) => StatusCode::SERVICE_UNAVAILABLE,
        Some(Fault::Deadline | Fault::Unanswered) => StatusCode::GATEWAY_TIMEOUT,
        Some(Fault::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        Some(Fault::Lost | Fault::Denied | Fault::Refused) => StatusCode::BAD_GATEWAY,
        Some(Fault::Forgotten) => StatusCode::CONFLICT,
    }
}
