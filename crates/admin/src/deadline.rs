//! A deadline for every request.

use crate::error::{ApiError, is_grpc};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tonic::Status;

/// How long requests may take.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) limit: Duration,
    /// Paths where that is for the caller to say.
    pub(crate) uploads: fn(&str) -> bool,
}

/// As good as none, and short enough to be reckoned with.
const ENDLESS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// When a request will be ended without an answer. An extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct RequestDeadline(pub Instant);

/// Ends a request that has no answer within the limit, or within the caller's `grpc-timeout` if that is shorter. A
/// watch counts as answered when it has begun.
pub(crate) async fn enforce(
    State(deadlines): State<Deadlines>,
    mut request: Request,
    next: Next,
) -> Response {
    let grpc = is_grpc(request.headers());
    let limit = if (deadlines.uploads)(request.uri().path()) { ENDLESS } else { deadlines.limit };
    let limit = grpc_timeout(request.headers()).map_or(limit, |timeout| timeout.min(limit));
    request.extensions_mut().insert(RequestDeadline(Instant::now() + limit));
    match timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) if grpc => Status::from(ApiError::Timeout(limit)).into_http(),
        Err(_) => ApiError::Timeout(limit).into_response(),
    }
}

/// The deadline that a gRPC caller has set: at most eight digits and a unit (gRPC over HTTP/2, `Timeout`).
fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u32 = digits.parse().ok()?;
    let unit = match unit {
        "H" => Duration::from_secs(3600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    unit.checked_mul(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_deadline_is_read() {
        let parse = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", http::HeaderValue::from_static(text));
            grpc_timeout(&headers)
        };
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for wrong in ["", "S", "1", "1s", "-1S", "+1S", "999999999S", "1.5S"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
