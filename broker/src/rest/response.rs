//! Responses, as they are written in JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use frontier_sessions::{EndOfResponses, Outcome, Position, StoredResponse};
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// One of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct One {
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

/// That no more follow.
#[derive(Debug, Serialize)]
pub(super) struct End {
    count: u64,
    reason: &'static str,
}

/// The last thing of a stream.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastLine {
    pub(super) end_of_responses: End,
}

/// The last thing of a stream that ends before its time.
#[derive(Debug, Serialize)]
pub(super) struct FailedLine {
    pub(super) fault: &'static str,
    pub(super) message: String,
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
