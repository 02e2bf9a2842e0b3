//! Fetching responses: some at a time, or as a stream of JSON lines.

use super::response::{end, response};
use super::{Answer, Id, who};
use crate::api::{Api, Refusal, client, invalid};
use crate::reader::Reader;
use crate::session::{Responses, Session};
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use bytes::Bytes;
use frontier_access::authn::OperatorRole;
use frontier_admin::{Operator, Query, WatchSlot, json};
use frontier_api::session_json::{self as written, FailedLine, LastLine};
use frontier_sessions::{ClientId, Start};
use futures_util::stream::{once, unfold};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How many responses there are in one answer, unless it is said, and at most; and with how many bytes.
const USUAL: usize = 100;
const MOST: usize = 10_000;
const MOST_BYTES: usize = 8 << 20;

/// JSON values, one a line.
const JSON_LINES: &str = "application/x-ndjson";

/// What is left of the time that an answer may take, for writing it.
const MARGIN: Duration = Duration::from_millis(500);

pub(super) async fn get(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Path(id): Id,
    headers: HeaderMap,
    uri: Uri,
) -> Answer {
    let mut query = Query::parse(&uri)?;
    let named = query.text("client_id")?;
    let most: usize = query.number("max_count")?.unwrap_or(USUAL);
    let start = start(query.text("position")?.as_deref())?;
    let wait: Option<u64> = query.number("wait_ms")?;
    let streams = query.flag("stream")? || accepts_lines(&headers);
    query.end()?;
    let session = api.session(&id, &operator, OperatorRole::Operate)?;
    let (who, client, most) = (who(&operator), client(named.as_deref())?, most.min(MOST));
    if streams {
        let slot = api.watches.reserve()?;
        let reader = api.reader(session, who, client, start).await?;
        return Ok(Lines { reader, most, is_over: false, _slot: slot }.response());
    }
    let longest = api.sessions.config().server.request_timeout.saturating_sub(MARGIN);
    let patience = Duration::from_millis(wait.unwrap_or_default()).min(longest);
    let bounds = (most, MOST_BYTES);
    let found = tokio::select! {
        found = session.responses(&who, &client, start, bounds, patience) => found?,
        // Nothing more is computed: who waits is told what there is.
        () = api.end.cancelled() => {
            session.responses(&who, &client, start, bounds, Duration::ZERO).await?
        }
    };
    Ok(page(session, client, found))
}

fn accepts_lines(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with(JSON_LINES)))
}

pub(super) fn start(position: Option<&str>) -> Result<Start, Refusal> {
    match position {
        None | Some("current" | "Current") => Ok(Start::Current),
        Some("begin" | "Begin") => Ok(Start::Begin),
        Some(text) => {
            let number = text.parse().map(Start::At);
            number.map_err(|_| invalid("position must be `begin`, `current` or the number of a response"))
        }
    }
}

/// The answer with these responses. They count as fetched once it is written.
fn page(session: Arc<Session>, client: ClientId, found: Responses) -> Response {
    let Responses { responses, next, remaining, end: marker } = found;
    let responses: Vec<_> = responses.into_iter().map(response).collect();
    let (count, end_of_responses) = (responses.len(), marker.as_ref().map(end));
    let page =
        json(StatusCode::OK, &written::Responses { responses, count, remaining, next, end_of_responses });
    if count == 0 {
        return page;
    }
    let (parts, body) = page.into_parts();
    let writing = once(async move {
        // It is asked for when there is room to write it: whoever has gone away before has fetched nothing.
        let written = axum::body::to_bytes(body, usize::MAX).await;
        // A session that has ended meanwhile keeps nothing that could be acknowledged.
        let _ = session.acknowledge(client, next).await;
        written
    });
    Response::from_parts(parts, Body::from_stream(writing))
}

/// Responses as they come, one a line, up to the end marker or a fault.
struct Lines {
    reader: Reader,
    most: usize,
    is_over: bool,
    _slot: WatchSlot,
}

impl Lines {
    fn response(self) -> Response {
        let body = unfold(self, async |mut lines| {
            let text = lines.next().await?;
            Some((Ok::<_, Infallible>(text), lines))
        });
        let mut response = Response::new(Body::from_stream(body));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    /// The next piece. It is asked for once the one before is written.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            self.reader.fetched().await;
            return None;
        }
        match self.reader.next(self.most).await {
            // A sign of life, by which it is seen that the client is there.
            Ok(found) if found.responses.is_empty() && found.end.is_none() => Some(Bytes::from_static(b"\n")),
            Ok(found) => Some(self.write(found)),
            Err(fault) => {
                self.is_over = true;
                Some(line(&FailedLine { fault: fault.code.name().into(), message: fault.text }).into())
            }
        }
    }

    fn write(&mut self, found: Responses) -> Bytes {
        let Responses { responses, end: marker, .. } = found;
        let mut text: Vec<u8> = responses.into_iter().flat_map(|one| line(&response(one))).collect();
        if let Some(marker) = marker {
            self.is_over = true;
            text.extend(line(&LastLine { end_of_responses: end(&marker) }));
        }
        text.into()
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Only maps with keys that are no text fail.
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    text
}
