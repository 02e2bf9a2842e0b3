//! Responses, as they are written in JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use frontier_api::session_json as json;
use frontier_sessions::{EndOfResponses, Outcome, StoredResponse};

/// That no more follow.
pub(super) fn end(end: &EndOfResponses) -> json::EndOfResponses {
    json::EndOfResponses { count: end.count, reason: end.reason.name().into() }
}

/// A response.
pub(super) fn response(stored: StoredResponse) -> json::Response {
    let StoredResponse { position, response } = stored;
    let (payload, fault) = match response.outcome {
        Outcome::Answer(body) => (STANDARD.encode(body), None),
        Outcome::Fault(fault) => (String::new(), Some(fault)),
    };
    let request_message_id = response.request.to_string();
    json::Response {
        message_id: format!("{request_message_id}-r"),
        request_message_id,
        payload,
        user_data: response.user_data.to_string(),
        is_fault: fault.is_some(),
        fault_detail: fault.as_ref().map_or(0, |it| it.detail),
        fault_message: fault.as_ref().map(|it| it.text.to_string()),
        fault_code: fault.map(|it| it.code.to_string()),
        position,
    }
}
