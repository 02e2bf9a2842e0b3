//! Responses, as values.

use frontier_api::broker as api;
use std::sync::Arc;
use thiserror::Error;

/// A response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BrokerResponse<T> {
    /// What the service has answered, or why it has not.
    pub result: Result<T, ResponseFault>,
    /// That of the request.
    pub user_data: String,
    /// The id of the request, which [`send_request`](crate::BrokerClient::send_request) gave.
    pub request_id: String,
    /// Its place among the responses of the client, from 0, in the order in which they came.
    pub position: u64,
}

/// Why a request has no answer.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ResponseFault {
    /// The service says so, or the broker after all attempts: `ServiceFault`, `RetryOperationError` or `MessageTooLarge`.
    #[error("{code}: {text}")]
    Fault {
        /// The name of the fault.
        code: String,
        /// The number that the service gives its errors; 0 for none.
        detail: u32,
        /// For people.
        text: String,
    },
    /// The answer is not what was expected.
    #[error("the answer can't be read: {0}")]
    Body(Arc<serde_json::Error>),
}

/// How a payload becomes a value.
pub(super) type Decode<T> = fn(Vec<u8>) -> Result<T, serde_json::Error>;

impl<T> BrokerResponse<T> {
    pub(super) fn new(read: api::BrokerResponse, decode: Decode<T>) -> Self {
        let result = if read.is_fault {
            let (code, detail, text) = (read.fault_code, read.fault_detail, read.fault_message);
            Err(ResponseFault::Fault { code, detail, text })
        } else {
            decode(read.payload).map_err(|error| ResponseFault::Body(Arc::new(error)))
        };
        Self {
            result,
            user_data: read.user_data,
            request_id: read.request_message_id,
            position: read.position,
        }
    }
}
