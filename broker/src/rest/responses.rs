//! Fetching responses: some at a time, or as a stream of JSON lines.

use super::error::{Refusal, invalid};
use super::{Answer, Id, Rest, client, who};
use crate::session::{Responses, Session, Who};
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use frontier_access::authn::OperatorRole;
use frontier_admin::{Operator, Query, WatchSlot, json};
use frontier_sessions::{
    ClientId, EndOfResponses, Fault, FaultCode, Outcome, Position, Start, StoredResponse,
};
use futures_util::stream::{once, unfold};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde::{Serialize, Serializer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many responses there are in one answer, unless it is said, and at most; and with how many bytes.
const USUAL: usize = 100;
const MOST: usize = 10_000;
const MOST_BYTES: usize = 8 << 20;

/// JSON values, one a line.
const JSON_LINES: &str = "application/x-ndjson";

/// What is left of the time that an answer may take, for writing it.
const MARGIN: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    responses: Vec<One>,
    count: usize,
    remaining: u64,
    /// Where the next ones begin.
    next: Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_of_responses: Option<End>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct One {
    message_id: String,
    request_message_id: String,
    payload: String,
    #[serde(serialize_with = "as_text")]
    user_data: Arc<str>,
    is_fault: bool,
    fault_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault_code: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    fault_detail: u32,
    position: Position,
}

fn as_text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Debug, Serialize)]
struct End {
    count: u64,
    reason: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LastLine {
    end_of_responses: End,
}

#[derive(Debug, Serialize)]
struct FailedLine {
    fault: &'static str,
    message: String,
}

impl From<EndOfResponses> for End {
    fn from(end: EndOfResponses) -> Self {
        Self { count: end.count, reason: end.reason.name() }
    }
}

impl From<StoredResponse> for One {
    fn from(stored: StoredResponse) -> Self {
        let StoredResponse { position, response } = stored;
        let (payload, fault) = match response.outcome {
            Outcome::Answer(body) => (STANDARD.encode(body), None),
            Outcome::Fault(fault) => (String::new(), Some(fault)),
        };
        let request_message_id = response.request.to_string();
        Self {
            message_id: format!("{request_message_id}-r"),
            request_message_id,
            payload,
            user_data: response.user_data,
            is_fault: fault.is_some(),
            fault_detail: fault.as_ref().map_or(0, |it| it.detail),
            fault_message: fault.as_ref().map(|it| it.text.to_string()),
            fault_code: fault.map(|it| it.code.to_string()),
            position,
        }
    }
}

/// What is asked for.
struct Asked {
    session: Arc<Session>,
    who: Who,
    client: ClientId,
    start: Start,
    most: usize,
    patience: Duration,
}

impl Asked {
    async fn responses(&self, start: Start) -> Result<Responses, Fault> {
        let bounds = (self.most, MOST_BYTES);
        self.session.responses(&self.who, &self.client, start, bounds, self.patience).await
    }
}

pub(super) async fn get(
    State(rest): State<Rest>,
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
    let session = rest.session(&id, &operator, OperatorRole::Operate)?;
    let longest = rest.sessions.config().server.request_timeout.saturating_sub(MARGIN);
    let patience = Duration::from_millis(wait.unwrap_or_default()).min(longest);
    let client = client(named.as_deref())?;
    let asked = Asked { session, who: who(&operator), client, start, most: most.min(MOST), patience };
    if streams {
        let slot = rest.watches.reserve()?;
        let keepalive = rest.sessions.config().server.keepalive;
        return lines(asked, slot, rest.end.clone(), keepalive).await;
    }
    let found = asked.responses(start).await?;
    Ok(page(asked, found))
}

fn accepts_lines(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with(JSON_LINES)))
}

fn start(position: Option<&str>) -> Result<Start, Refusal> {
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
fn page(asked: Asked, found: Responses) -> Response {
    let Responses { responses, next, remaining, end } = found;
    let is_empty = responses.is_empty();
    let responses: Vec<_> = responses.into_iter().map(One::from).collect();
    let end_of_responses = end.map(End::from);
    let page = Page { count: responses.len(), responses, remaining, next, end_of_responses };
    let response = json(StatusCode::OK, &page);
    if is_empty {
        return response;
    }
    let (parts, body) = response.into_parts();
    let writing = once(async move {
        // It is asked for when there is room to write it: whoever has gone away before has fetched nothing.
        let written = axum::body::to_bytes(body, usize::MAX).await;
        // A session that has ended meanwhile keeps nothing that could be acknowledged.
        let _ = asked.session.acknowledge(asked.client, next).await;
        written
    });
    Response::from_parts(parts, Body::from_stream(writing))
}

/// Responses as they come, one a line, up to the end marker or a fault.
struct Lines {
    asked: Asked,
    next: Start,
    /// Responses before it have been written.
    written: Option<Position>,
    is_over: bool,
    end: CancellationToken,
    _slot: WatchSlot,
}

async fn lines(asked: Asked, slot: WatchSlot, end: CancellationToken, keepalive: Duration) -> Answer {
    // What is wrong with the request is told before the stream begins.
    let checked =
        asked.session.responses(&asked.who, &asked.client, asked.start, (0, 0), Duration::ZERO).await;
    checked?;
    let next = asked.start;
    let asked = Asked { patience: keepalive, ..asked };
    let lines = Lines { asked, next, written: None, is_over: false, end, _slot: slot };
    let body = unfold(lines, async |mut lines| {
        let text = lines.next().await?;
        Some((Ok::<_, Infallible>(text), lines))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

impl Lines {
    async fn next(&mut self) -> Option<Bytes> {
        // The next piece is asked for once the one before is written.
        if let Some(before) = self.written.take() {
            let _ = self.asked.session.acknowledge(self.asked.client.clone(), before).await;
        }
        if self.is_over {
            return None;
        }
        let found = tokio::select! {
            found = self.asked.responses(self.next) => found,
            () = self.end.cancelled() => Err(Fault::new(FaultCode::Draining, "this broker is stopping")),
        };
        match found {
            // A sign of life, by which it is seen that the client is there.
            Ok(found) if found.responses.is_empty() && found.end.is_none() => Some(Bytes::from_static(b"\n")),
            Ok(found) => Some(self.write(found)),
            Err(fault) => {
                self.is_over = true;
                Some(line(&FailedLine { fault: fault.code.name(), message: fault.text }).into())
            }
        }
    }

    fn write(&mut self, found: Responses) -> Bytes {
        let Responses { responses, next, end, .. } = found;
        let mut text: Vec<u8> = responses.into_iter().flat_map(|one| line(&One::from(one))).collect();
        if let Some(end) = end {
            self.is_over = true;
            text.extend(line(&LastLine { end_of_responses: end.into() }));
        }
        (self.next, self.written) = (Start::At(next), Some(next));
        text.into()
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Only maps with keys that are no text fail.
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    text
}
