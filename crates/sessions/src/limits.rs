//! How much clients may send.

use crate::fault::{Fault, FaultCode};
use crate::message::Request;

/// How much one session and its clients may hold and send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body of a request or a response, in bytes. 4 MiB.
    pub message_size: usize,
    /// The most characters of user data. 1024.
    pub user_data: usize,
    /// The most bytes of an action's name. 256.
    pub action: usize,
    /// The most requests that come at once. 10,000.
    pub requests_per_send: usize,
    /// Clients of a session. 1000.
    pub clients: usize,
    /// What is kept of the responses that a client of an interactive session has fetched, in bytes: older ones are
    /// forgotten. 64 MiB.
    pub retained_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 4 << 20,
            user_data: 1024,
            action: 256,
            requests_per_send: 10_000,
            clients: 1000,
            retained_size: 64 << 20,
        }
    }
}

impl Limits {
    /// Whether these requests may come at once. All of them or none: one bad item refuses all, and is named by its place.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self, requests: &[Request]) -> Result<(), Fault> {
        if requests.len() > self.requests_per_send {
            let text = format!("{} requests came at once, {} may", requests.len(), self.requests_per_send);
            return Err(Fault::new(FaultCode::TooManyRequests, text));
        }
        requests.iter().enumerate().try_for_each(|(place, request)| self.check_one(place, request))
    }

    fn check_one(&self, place: usize, request: &Request) -> Result<(), Fault> {
        let Request { body, user_data, action, .. } = request;
        if body.len() > self.message_size {
            let text =
                format!("the body of request {place} has {} bytes, {} may be", body.len(), self.message_size);
            return Err(Fault::new(FaultCode::MessageTooLarge, text));
        }
        let characters = user_data.chars().count();
        if characters > self.user_data {
            let text = format!(
                "the user data of request {place} have {characters} characters, {} may be",
                self.user_data
            );
            return Err(Fault::new(FaultCode::UserDataTooLong, text));
        }
        if action.len() > self.action {
            let text =
                format!("the action of request {place} has {} bytes, {} may be", action.len(), self.action);
            return Err(Fault::new(FaultCode::InvalidRequest, text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageId;

    #[test]
    fn one_bad_item_refuses_all_and_is_named() {
        let limits = Limits { message_size: 4, requests_per_send: 3, ..Limits::default() };
        let request = |body: &'static str, user_data: &str, action: &str| Request {
            id: MessageId(1),
            action: action.into(),
            body: body.into(),
            user_data: user_data.into(),
        };
        let good = || request("1234", &"ä".repeat(1024), &"a".repeat(256));
        limits.check(&[good(), good(), good()]).unwrap();
        let cases = [
            (request("12345", "", ""), FaultCode::MessageTooLarge),
            (request("", &"ä".repeat(1025), ""), FaultCode::UserDataTooLong),
            (request("", "", &"a".repeat(257)), FaultCode::InvalidRequest),
        ];
        for (bad, code) in cases {
            let fault = limits.check(&[good(), bad]).unwrap_err();
            assert_eq!(fault.code, code);
            assert!(fault.text.contains("request 1 "), "{fault}");
        }
        let four = [good(), good(), good(), good()];
        assert_eq!(limits.check(&four).unwrap_err().code, FaultCode::TooManyRequests);
    }
}
