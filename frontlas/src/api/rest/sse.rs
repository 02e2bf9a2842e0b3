//! The watch as server-sent events.
//!
//! | event | data | id |
//! |---|---|---|
//! | `snapshot` | a part of the snapshot | the last part has the position |
//! | `change` | a change | its position |
//! | none | none, a sign of life | the position |
//! | `end` | the error that ends the watch | none |
//!
//! An id is `history.number`. A client that connects again sends the last one as `Last-Event-ID` and goes on
//! from there, or gets a snapshot if that is not possible: browsers would not try again after an error.
//! `?after=` is the same for those who want the error.

use super::query::Query;
use super::{Answer, Rest};
use crate::api::error::ApiError;
use crate::api::watch::{Kinds, Told};
use crate::model::Position;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use frontier_api::cluster::WatchKind;
use frontier_api::json::{Change, Snapshot};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Uri, header};
use serde::Serialize;
use std::convert::Infallible;

pub(super) async fn watch(State(rest): State<Rest>, uri: Uri, headers: HeaderMap) -> Answer {
    let mut query = Query::parse(&uri)?;
    let after = query.text("after")?.map(|text| {
        position(&text).ok_or_else(|| ApiError::invalid("after must be the id of an event: history.number"))
    });
    let after = after.transpose()?;
    let kinds = query.all("kinds").iter().flat_map(|names| names.split(',')).map(kind).collect::<Vec<_>>();
    let kinds = Kinds::new(kinds)?;
    query.end()?;

    // What a browser sends by itself comes before what was in the address when it first connected.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(position);
    let opened = match rest.watches.open(last.or(after), kinds).await {
        Err(ApiError::Gone) if last.is_some() => rest.watches.open(None, kinds).await,
        opened => opened,
    };
    let frames = opened?.map(|told| Ok::<_, Infallible>(frame(told)));
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // For proxies that collect answers before they pass them on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// An unknown word is the unspecified kind, which is refused.
fn kind(name: &str) -> WatchKind {
    match name {
        "frontiers" => WatchKind::Frontiers,
        "edges" => WatchKind::Edges,
        "services" => WatchKind::Services,
        _ => WatchKind::Unspecified,
    }
}

fn position(id: &str) -> Option<Position> {
    let (history, number) = id.split_once('.')?;
    Some(Position { history: history.parse().ok()?, number: number.parse().ok()? })
}

fn frame(told: Result<Told, ApiError>) -> Bytes {
    match told {
        Ok(Told::Snapshot(part)) => event("snapshot", None, &Snapshot::from(part)),
        Ok(Told::SnapshotEnd(part, position)) => event("snapshot", Some(position), &Snapshot::from(part)),
        Ok(Told::Change(what, position)) => event("change", Some(position), &Change::from(what)),
        // A frame without data is no event, but its id is kept.
        Ok(Told::Alive(Position { history, number })) => format!("id: {history}.{number}\n\n").into(),
        Err(error) => event("end", None, &error.to_json()),
    }
}

fn event(name: &str, position: Option<Position>, data: &impl Serialize) -> Bytes {
    let id = position.map(|Position { history, number }| format!("id: {history}.{number}\n"));
    // JSON has no line breaks, and only maps with keys that are no text fail.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\n{}data: {data}\n\n", id.unwrap_or_default()).into()
}
