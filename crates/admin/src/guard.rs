//! Who may ask: a daemon's own check, which sees each request before anything else does.

use crate::connection::Caller;
use crate::error::{ApiError, is_grpc};
use crate::operators::Operators;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, Method, Uri};
use std::sync::Arc;
use tonic::Status;

/// The path that answers whoever asks. It tells one bit, and orchestrators have no credentials to show.
pub(crate) const HEALTH_PATH: &str = "/healthz";

/// The check. It computes and waits for nothing. What it finds out it adds to the request, and where it does not let that
/// pass it says what is answered.
pub(crate) type Guard = Arc<dyn Fn(&Caller, &mut Request) -> Result<(), Box<Response>> + Send + Sync>;

/// That of operators: the request gets the [`Operator`](crate::Operator).
pub(crate) fn of_operators(operators: Operators) -> Guard {
    Arc::new(move |caller, request| {
        let operator = operators.check(caller, request.uri(), request.headers());
        let operator = operator.map_err(|error| refusal(error, request.headers()))?;
        request.extensions_mut().insert(operator);
        Ok(())
    })
}

/// The answer to a request that is not let pass, as its protocol has errors.
#[must_use]
pub fn refusal(error: ApiError, headers: &HeaderMap) -> Box<Response> {
    Box::new(if is_grpc(headers) { Status::from(error).into_http() } else { error.into_response() })
}

/// Which requests everybody gets an answer to.
pub(crate) type Public = fn(&Method, &Uri, &HeaderMap) -> bool;

/// Who may ask for what.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) guard: Guard,
    pub(crate) public: Public,
}

/// Turns a request away unless the guard lets it pass, whatever path it asks for: who is not let in is not told which
/// there are.
pub(crate) async fn enforce(State(entry): State<Entry>, mut request: Request, next: Next) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    if uri.path() == HEALTH_PATH || (entry.public)(request.method(), uri, headers) {
        return next.run(request).await;
    }
    let checked = match request.extensions().get::<Caller>().cloned() {
        Some(caller) => (entry.guard)(&caller, &mut request)
            .and_then(|()| caller.admit().map_err(|error| refusal(error, request.headers()))),
        // Every connection adds one.
        None => Err(refusal(ApiError::Internal, headers)),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(answer) => *answer,
    }
}

/// The token in `Authorization: Bearer …`, as gRPC metadata has it too.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    // Of two, nobody could tell which one counts.
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// What the subprotocol begins with that carries a token, in base64 for URLs.
const TOKEN_PREFIX: &str = "bearer.";

/// The longest token that is taken from a subprotocol, encoded.
const MAX_TOKEN: usize = 16 * 1024;

/// The subprotocols that a request for a WebSocket offers.
pub fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(http::header::SEC_WEBSOCKET_PROTOCOL).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

/// The token in a subprotocol, `bearer.` and the token in base64 for URLs: pages can set no header on a WebSocket.
#[must_use]
pub fn protocol_token(headers: &HeaderMap) -> Option<String> {
    let encoded = protocols(headers).find_map(|protocol| protocol.strip_prefix(TOKEN_PREFIX))?;
    let decoded = (encoded.len() <= MAX_TOKEN).then(|| BASE64URL_NOPAD.decode(encoded.as_bytes()).ok())?;
    String::from_utf8(decoded?).ok()
}

/// The token in `X-Api-Key`.
pub(crate) fn api_key(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all("x-api-key").iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok().map(str::trim).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_is_one_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(api_key(&headers), None);
        headers.append("x-api-key", http::HeaderValue::from_static(" abc "));
        assert_eq!(api_key(&headers), Some("abc"));
        headers.append("x-api-key", http::HeaderValue::from_static("abc"));
        assert_eq!(api_key(&headers), None, "nobody could tell which one counts");
    }

    #[test]
    fn a_token_comes_as_a_subprotocol_in_base64() {
        let mut headers = HeaderMap::new();
        let token = BASE64URL_NOPAD.encode(b"frt_secret");
        let value = format!("frontier.bridge.v1, bearer.{token}");
        headers.append("sec-websocket-protocol", value.parse().unwrap());
        assert_eq!(protocol_token(&headers).as_deref(), Some("frt_secret"));
        assert_eq!(protocols(&headers).next(), Some("frontier.bridge.v1"));
        for wrong in ["bearer.*", "bearer", "x", "bearer._w"] {
            headers.insert("sec-websocket-protocol", wrong.parse().unwrap());
            assert_eq!(protocol_token(&headers), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_is_one_bearer_token() {
        let token = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("authorization", http::HeaderValue::from_static(value));
            }
            bearer_token(&headers).map(str::to_owned)
        };
        assert_eq!(token(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token(&["bearer  abc "]).as_deref(), Some("abc"));
        for none in [&[][..], &["Basic abc"], &["Bearer"], &["Bearer "], &["abc"], &["Bearer a", "Bearer b"]]
        {
            assert_eq!(token(none), None, "{none:?}");
        }
    }
}
