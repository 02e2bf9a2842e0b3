use crate::DirectoryError;
use axum::response::{IntoResponse, Response};
use frontier_api::json;
use http::StatusCode;
use std::time::Duration;
use tonic::{Code, Status};

/// Why a request has no answer, for both gRPC and REST.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request makes no sense, whatever is connected.
    #[error("{0}")]
    Invalid(String),
    /// Who was asked for is not connected.
    #[error("{0}")]
    NotFound(String),
    /// No such path, or service.
    #[error("there is nothing at {0}")]
    NoRoute(String),
    /// The path is right, the method is not.
    #[error("{0} is not for this path")]
    Method(String),
    /// The position of a watch is not in the history.
    #[error(
        "the position is not in the history: too much has changed since, or it is of another history; watch again from a snapshot"
    )]
    Gone,
    /// One watch too many.
    #[error("{0} watches are open, the most there may be")]
    Watchers(usize),
    /// A watch whose peer takes too little.
    #[error("the watch was not read for {0:?}")]
    Slow(Duration),
    /// It took too long.
    #[error("there was no answer within {0:?}")]
    Timeout(Duration),
    /// The directory does not answer. Its own words go to the log: they may name hosts.
    #[error("the directory can't be reached")]
    Unavailable,
    /// This node is ending; another one can answer.
    #[error("this node is shutting down")]
    Draining,
    /// A mistake of ours.
    #[error("something went wrong here")]
    Internal,
}

impl ApiError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    pub(crate) fn code(&self) -> Code {
        self.kind().0
    }

    /// The name of the code, and the HTTP status that goes with it.
    fn kind(&self) -> (Code, &'static str, StatusCode) {
        match self {
            Self::Invalid(_) => (Code::InvalidArgument, "INVALID_ARGUMENT", StatusCode::BAD_REQUEST),
            Self::NotFound(_) => (Code::NotFound, "NOT_FOUND", StatusCode::NOT_FOUND),
            Self::NoRoute(_) => (Code::Unimplemented, "UNIMPLEMENTED", StatusCode::NOT_FOUND),
            Self::Method(_) => (Code::Unimplemented, "UNIMPLEMENTED", StatusCode::METHOD_NOT_ALLOWED),
            Self::Gone => (Code::OutOfRange, "OUT_OF_RANGE", StatusCode::GONE),
            Self::Watchers(_) | Self::Slow(_) => {
                (Code::ResourceExhausted, "RESOURCE_EXHAUSTED", StatusCode::TOO_MANY_REQUESTS)
            }
            Self::Timeout(_) => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", StatusCode::GATEWAY_TIMEOUT),
            Self::Unavailable | Self::Draining => {
                (Code::Unavailable, "UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE)
            }
            Self::Internal => (Code::Internal, "INTERNAL", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The body of an HTTP answer.
    pub(crate) fn to_json(&self) -> json::Error {
        json::Error { code: self.kind().1.to_owned(), message: self.to_string() }
    }
}

impl From<DirectoryError> for ApiError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Unavailable(reason) => {
                tracing::debug!(reason, "the directory does not answer");
                Self::Unavailable
            }
            DirectoryError::Invalid(invalid) => Self::Invalid(invalid.to_string()),
            // Only who holds a lease hears of these.
            DirectoryError::Lost | DirectoryError::Replaced => {
                tracing::error!(%error, "a query must not fail like this");
                Self::Internal
            }
        }
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        super::rest::json(self.kind().2, &self.to_json())
    }
}
