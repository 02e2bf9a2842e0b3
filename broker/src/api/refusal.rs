//! Why a request has no answer, and how REST tells it.

use axum::response::{IntoResponse, Response};
use frontier_admin::{ApiError, json};
use frontier_api::session_json::Refused;
use frontier_sessions::{Fault, FaultCode};
use http::{HeaderValue, StatusCode, header};

/// After how many seconds those may try again who may.
pub(crate) const RETRY_AFTER: u64 = 1;

/// A fault of a session, or what is wrong with a request before it comes to one.
#[derive(Debug)]
pub(crate) enum Refusal {
    Fault(Fault),
    Api(ApiError),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Invalid(text) => invalid(text),
            error => Self::Api(error),
        }
    }
}

/// Something of the request can't be read.
pub(crate) fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::Fault(Fault::new(FaultCode::InvalidRequest, text))
}

fn status(code: FaultCode) -> StatusCode {
    use FaultCode as F;
    match code {
        F::InvalidSessionId => StatusCode::NOT_FOUND,
        F::InvalidAttachInteractiveSession
        | F::InvalidAttachDurableSession
        | F::SessionFinished
        | F::SessionFailure
        | F::StaleBatch
        | F::SendRejected
        | F::FlushRejected
        | F::FlushIncomplete
        | F::EndedTwice
        | F::EndedAndAnswered
        | F::EndRejected
        | F::NothingSent => StatusCode::CONFLICT,
        F::TooManySessions | F::TooManyClients | F::Throttled => StatusCode::TOO_MANY_REQUESTS,
        F::InvalidSettings
        | F::InvalidClientId
        | F::InvalidMessageId
        | F::InvalidRequest
        | F::UserDataTooLong => StatusCode::BAD_REQUEST,
        F::MessageTooLarge | F::TooManyRequests => StatusCode::PAYLOAD_TOO_LARGE,
        F::AccessDenied | F::AccessDeniedQueue => StatusCode::FORBIDDEN,
        F::Unsupported => StatusCode::NOT_IMPLEMENTED,
        F::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        F::Draining | F::StoreUnavailable | F::NotOwner => StatusCode::SERVICE_UNAVAILABLE,
        // These are told of requests, not of what clients ask the broker.
        F::RetryOperationError | F::ServiceFault => StatusCode::BAD_GATEWAY,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let fault = match self {
            Self::Api(error) => return error.into_response(),
            Self::Fault(fault) => fault,
        };
        let code = fault.code;
        let body = Refused {
            code: code.name().into(),
            category: Some(code.category() as u8),
            message: fault.text,
            retryable: Some(code.is_retryable()),
        };
        let mut response = json(status(code), &body);
        if code.is_retryable() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        response
    }
}
