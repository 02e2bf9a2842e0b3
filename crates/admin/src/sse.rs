//! A watch as server-sent events.
//!
//! | event | data | id |
//! |---|---|---|
//! | the daemon's own | JSON | where to go on from, or none |
//! | none | none, a sign of life | where to go on from |
//! | `end` | the error that ends the watch | none |
//!
//! A client that connects again sends the last id that it has seen as `Last-Event-ID`.

use crate::error::ApiError;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use std::convert::Infallible;
use std::fmt::Display;

/// The answer whose body these items make up, by `frame`, and an error at the end as the event `end`.
pub fn response<T>(
    items: impl Stream<Item = Result<T, ApiError>> + Send + 'static,
    frame: impl Fn(T) -> Bytes + Send + 'static,
) -> Response {
    let frames = items.map(move |item| {
        Ok::<_, Infallible>(match item {
            Ok(item) => frame(item),
            Err(error) => event("end", None::<&str>, &error.body()),
        })
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // For proxies that collect answers before they pass them on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// An event. Its id must have no line breaks.
pub fn event(name: &str, id: Option<impl Display>, data: &impl Serialize) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    // JSON has no line breaks, and only maps with keys that are no text fail.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n").into()
}

/// A sign of life: a frame without data is no event, but its id is kept.
pub fn keepalive(id: impl Display) -> Bytes {
    format!("id: {id}\n\n").into()
}

/// The id of the last event that a client has seen which connects again.
#[must_use]
pub fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}
