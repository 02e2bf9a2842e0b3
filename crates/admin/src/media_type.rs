//! gRPC is for who says that it speaks gRPC: a page of any site can have a browser send what is called text to a port of
//! its own machine, where nobody may be asked for credentials. It can't have it send what is called gRPC.

use crate::error::{ApiError, is_grpc};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;

/// Refuses what is sent to a gRPC method without the content type of gRPC, as the protocol asks (gRPC over HTTP/2,
/// Content-Type).
pub(crate) async fn enforce(request: Request, next: Next) -> Response {
    let is_refused = request.method() == Method::POST
        && names_grpc_method(request.uri().path())
        && !is_grpc(request.headers());
    if is_refused { ApiError::NotGrpc.into_response() } else { next.run(request).await }
}

/// `/package.Service/Method`. No path of REST has a package in its first part.
fn names_grpc_method(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    parts.next().is_some_and(|service| service.contains('.')) && parts.next().is_some()
}
