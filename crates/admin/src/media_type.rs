//! What a page of any site can have a browser send to a port of its own machine, where nobody may be asked for
//! credentials, gets no further: a POST that is called text, a form or nothing. For what is called JSON or gRPC a browser
//! asks first (Fetch, CORS preflight), and is told no.

use crate::error::{ApiError, is_grpc};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, header};

/// Refuses what is sent to a gRPC method without the content type of gRPC, as the protocol asks (gRPC over HTTP/2,
/// Content-Type), and what a browser sends to anything else without that of JSON.
pub(crate) async fn enforce(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if request.method() != Method::POST || is_grpc(headers) {
        return next.run(request).await;
    }
    if names_grpc_method(request.uri().path()) {
        return ApiError::NotGrpc.into_response();
    }
    // Browsers say where each POST is from, and programs do not.
    if headers.contains_key(header::ORIGIN) && !is_json(headers) {
        return ApiError::NotJson.into_response();
    }
    next.run(request).await
}

/// `/package.Service/Method`. No path of REST has a package in its first part.
fn names_grpc_method(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    parts.next().is_some_and(|service| service.contains('.')) && parts.next().is_some()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
