//! Why a request has no answer, for both gRPC and REST.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tonic::{Code, Status};

/// An error that a client sees. It must not hold what clients should not know, such as hosts behind the daemon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The request is not valid, whatever the daemon knows.
    #[error("{0}")]
    Invalid(String),
    /// It is not known who asks; why, as they may be told.
    #[error("{0}")]
    Unauthenticated(String),
    /// Who asks may not do this.
    #[error("{0}")]
    Denied(String),
    /// Who asks has failed to say who they are too often.
    #[error("{reason}")]
    Throttled {
        /// What it is told.
        reason: String,
        /// When it may try again.
        retry_after: Duration,
    },
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// No such path, or gRPC method.
    #[error("there is nothing at {0}")]
    NoRoute(String),
    /// The path exists, but not for this HTTP method.
    #[error("{0} is not for this path")]
    Method(String),
    /// A gRPC method, asked in another protocol.
    #[error("this is a gRPC method: the content type must be application/grpc")]
    NotGrpc,
    /// A browser sends something that any page could have it send.
    #[error("a browser has to send this as application/json")]
    NotJson,
    /// The body of a request is longer than it may be.
    #[error("the body is longer than it may be (request_size)")]
    BodyTooLarge,
    /// The position of a watch is not in the history.
    #[error(
        "the position is not in the history: too much has changed since, or it is of another history; watch again from a snapshot"
    )]
    Gone,
    /// One connection too many of those that have shown who they are.
    #[error("{0} connections are open, the most there may be (connections)")]
    TooManyConnections(usize),
    /// One watch too many.
    #[error("{0} watches are open, the most there may be (watchers)")]
    TooManyWatches(usize),
    /// One list too many.
    #[error("{0} lists are being read, the most there may be: ask again")]
    TooManyLists(usize),
    /// One request to peers too many.
    #[error("{0} requests to peers are in flight, the most there may be: ask again")]
    TooManyRequests(usize),
    /// It can't be done as things are: what would have to change.
    #[error("{0}")]
    Precondition(String),
    /// A peer was asked, and this is what it answered or what became of it.
    #[error("{code}: {text}")]
    Peer {
        /// How that is told.
        fault: PeerFault,
        /// The code of the peer or of the gateway, as text.
        code: String,
        /// The number that an application gives its errors; 0 for none.
        detail: u32,
        /// What it said.
        text: String,
    },
    /// A watch whose peer reads too slowly.
    #[error("the watch was not read for {0:?} (slow_peer_timeout)")]
    SlowWatcher(Duration),
    /// The deadline of the request has passed.
    #[error("there was no answer within {0:?}")]
    Timeout(Duration),
    /// What the daemon depends on, named here, does not answer.
    #[error("{0} can't be reached")]
    Unavailable(&'static str),
    /// The daemon can't answer now; what it waits for.
    #[error("{0}")]
    NotReady(&'static str),
    /// Who may watch has changed since this watch was opened.
    #[error("who may watch has changed: watch again, from the last position")]
    AccessChanged,
    /// This process is ending; another one can answer.
    #[error("this node is shutting down")]
    Draining,
    /// A bug of ours.
    #[error("something went wrong here")]
    Internal,
}

/// What became of a request to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerFault {
    /// It answered with an error.
    Failed,
    /// It did not answer in time.
    Late,
    /// It takes no more for now.
    Busy,
    /// Its connection ended meanwhile.
    Gone,
    /// It does not take so much.
    TooLarge,
}

/// The JSON body of every REST answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What kind of error: the name of the gRPC code, such as `NOT_FOUND`.
    pub code: String,
    /// What went wrong, for people.
    pub message: String,
    /// What a peer has answered, where one was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerError>,
}

/// What a peer has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerError {
    /// The code of the wire, as text, such as `method not found`.
    pub code: String,
    /// The number that an application gives its errors; 0 for none.
    pub detail: u32,
    /// What it said.
    pub text: String,
}

impl ApiError {
    /// A request that is not valid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// The gRPC code, its name, and the HTTP status that goes with it.
    fn kind(&self) -> (Code, &'static str, StatusCode) {
        match self {
            Self::Invalid(_) => (Code::InvalidArgument, "INVALID_ARGUMENT", StatusCode::BAD_REQUEST),
            Self::Unauthenticated(_) => (Code::Unauthenticated, "UNAUTHENTICATED", StatusCode::UNAUTHORIZED),
            Self::Denied(_) => (Code::PermissionDenied, "PERMISSION_DENIED", StatusCode::FORBIDDEN),
            Self::Precondition(_) => (Code::FailedPrecondition, "FAILED_PRECONDITION", StatusCode::CONFLICT),
            Self::Peer { fault: PeerFault::Failed, .. } => {
                (Code::Aborted, "ABORTED", StatusCode::FAILED_DEPENDENCY)
            }
            Self::BodyTooLarge | Self::Peer { fault: PeerFault::TooLarge, .. } => {
                (Code::InvalidArgument, "INVALID_ARGUMENT", StatusCode::PAYLOAD_TOO_LARGE)
            }
            Self::Peer { fault: PeerFault::Gone, .. } | Self::NotFound(_) => {
                (Code::NotFound, "NOT_FOUND", StatusCode::NOT_FOUND)
            }
            Self::NoRoute(_) => (Code::Unimplemented, "UNIMPLEMENTED", StatusCode::NOT_FOUND),
            Self::Method(_) => (Code::Unimplemented, "UNIMPLEMENTED", StatusCode::METHOD_NOT_ALLOWED),
            Self::NotGrpc | Self::NotJson => {
                (Code::InvalidArgument, "INVALID_ARGUMENT", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            Self::Gone => (Code::OutOfRange, "OUT_OF_RANGE", StatusCode::GONE),
            Self::TooManyConnections(_)
            | Self::TooManyWatches(_)
            | Self::TooManyLists(_)
            | Self::TooManyRequests(_)
            | Self::Peer { fault: PeerFault::Busy, .. }
            | Self::SlowWatcher(_)
            | Self::Throttled { .. } => {
                (Code::ResourceExhausted, "RESOURCE_EXHAUSTED", StatusCode::TOO_MANY_REQUESTS)
            }
            Self::Timeout(_) | Self::Peer { fault: PeerFault::Late, .. } => {
                (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", StatusCode::GATEWAY_TIMEOUT)
            }
            Self::Unavailable(_) | Self::NotReady(_) | Self::AccessChanged | Self::Draining => {
                (Code::Unavailable, "UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE)
            }
            Self::Internal => (Code::Internal, "INTERNAL", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The body of an HTTP answer.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        let peer = match self {
            Self::Peer { code, detail, text, .. } => {
                Some(PeerError { code: code.clone(), detail: *detail, text: text.clone() })
            }
            _ => None,
        };
        ErrorBody { code: self.kind().1.to_owned(), message: self.to_string(), peer }
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        Self::new(error.kind().0, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = json(self.kind().2, &self.body());
        match self {
            Self::Unauthenticated(_) => {
                // RFC 9110, 11.6.1: each 401 says what would do.
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Throttled { retry_after, .. } => {
                let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            _ => {}
        }
        response
    }
}

/// A JSON answer, which no proxy may keep: the next one may be another.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(text) = serde_json::to_vec(body) else {
        // Only maps with keys that are no text fail, and there are none.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether the caller speaks gRPC, and so reads errors from trailers.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes());
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}
