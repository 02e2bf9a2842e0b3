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

use super::{Answer, Rest};
use crate::api::watch::{WatchEvent, WatchFilter};
use crate::model::Position;
use axum::body::Bytes;
use axum::extract::State;
use frontier_admin::sse::{event, keepalive, last_event_id, response};
use frontier_admin::{ApiError, Query};
use frontier_api::cluster::WatchKind;
use frontier_api::json::{Change, Snapshot};
use http::{HeaderMap, Uri};

pub(super) async fn watch(State(rest): State<Rest>, uri: Uri, headers: HeaderMap) -> Answer {
    let mut query = Query::parse(&uri)?;
    let after = query.text("after")?.map(|text| {
        position(&text).ok_or_else(|| ApiError::invalid("after must be the id of an event: history.number"))
    });
    let after = after.transpose()?;
    let kinds = query.all("kinds").iter().flat_map(|names| names.split(',')).map(kind).collect::<Vec<_>>();
    let filter = WatchFilter::new(kinds)?;
    query.end()?;

    // What a browser sends by itself comes before what was in the address when it first connected.
    let last = last_event_id(&headers).and_then(position);
    let events = match rest.watches.open(last.or(after), filter).await {
        Err(ApiError::Gone) if last.is_some() => rest.watches.open(None, filter).await,
        events => events,
    };
    Ok(response(events?, frame))
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
    // `parse` takes a sign.
    let number =
        |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
    let (history, place) = id.split_once('.')?;
    Some(Position { history: number(history)?, number: number(place)? })
}

fn id(Position { history, number }: Position) -> String {
    format!("{history}.{number}")
}

fn frame(item: WatchEvent) -> Bytes {
    match item {
        WatchEvent::Snapshot(part) => event("snapshot", None::<&str>, &Snapshot::from(part)),
        WatchEvent::SnapshotEnd(part, position) => {
            event("snapshot", Some(id(position)), &Snapshot::from(part))
        }
        WatchEvent::Change(what, position) => event("change", Some(id(position)), &Change::from(what)),
        WatchEvent::Keepalive(position) => keepalive(id(position)),
    }
}
