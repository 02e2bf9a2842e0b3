//! Why something of a session went wrong.

use crate::frontlas::describe;
use std::sync::Arc;
use thiserror::Error;
use tonic::{Code, Status};

/// Why something of a session went wrong.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The broker, or whoever answers in its place, says no.
    #[error("{text}")]
    Fault {
        /// The name of the fault, such as `Broker_SendRejected`; empty where it has none.
        code: String,
        /// For people; it begins with the name.
        text: String,
        /// Whether the same may go well a little later. It was tried again for as long as
        /// [`patience`](crate::SessionStartInfo::patience) lets.
        is_retryable: bool,
    },
    /// No broker has answered within [`patience`](crate::SessionStartInfo::patience).
    #[error("the broker does not answer: {0}")]
    Unreachable(String),
    /// What is to be sent has no form in JSON.
    #[error("the body can't be written: {0}")]
    Body(Arc<serde_json::Error>),
    /// It is no URL of a broker.
    #[error("`{0}` is no URL of a broker, such as http://broker.example:30020 or https://broker.example")]
    Url(String),
    /// The proxy's URL is wrong.
    #[error("the proxy: {0}")]
    Proxy(String),
    /// It is no name of a client.
    #[error("a client id has 1 to 128 characters: letters, digits, `_`, `-`, `{{`, `}}` and blanks")]
    ClientId,
    /// The token can't be shown.
    #[error("the token: {0}")]
    Token(String),
    /// There are no more responses, though not all are answered: `ClientPurged` or `ClientTimeout`.
    #[error("the client's responses have ended: {0}")]
    Ended(String),
    /// A stream of responses was made again, and the broker had forgotten some meanwhile that it had sent and that have not come:
    /// its store was full.
    #[error("the broker has forgotten responses that were on their way: its store was full")]
    Forgotten,
    /// The task that sends has ended: the runtime is shutting down.
    #[error("the runtime has ended")]
    Stopped,
}

impl SessionError {
    /// The name of the fault, if the broker has told one.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Fault { code, .. } => code,
            _ => "",
        }
    }

    /// What an answer that is none means.
    pub(super) fn of(status: &Status) -> Self {
        let code = status.metadata().get("fault-code").and_then(|code| code.to_str().ok());
        let text = describe(status);
        match code {
            Some(code) => {
                let is_retryable = status.metadata().contains_key("retry-after");
                Self::Fault { code: code.to_owned(), text, is_retryable }
            }
            None => match status.code() {
                Code::Unavailable
                | Code::Unknown
                | Code::Internal
                | Code::Cancelled
                | Code::DeadlineExceeded => Self::Unreachable(text),
                code => {
                    let is_retryable = code == Code::ResourceExhausted;
                    Self::Fault { code: String::new(), text, is_retryable }
                }
            },
        }
    }

    /// Whether the same may go well when it is tried again.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Fault { is_retryable: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::metadata::MetadataMap;

    #[test]
    fn what_a_status_means() {
        let mut told = MetadataMap::new();
        told.insert("fault-code", "Broker_Throttled".parse().unwrap());
        told.insert("retry-after", "1".parse().unwrap());
        let throttled =
            SessionError::of(&Status::with_metadata(Code::ResourceExhausted, "Broker_Throttled: x", told));
        assert_eq!((throttled.code(), throttled.may_pass()), ("Broker_Throttled", true));
        assert_eq!(throttled.to_string(), "Broker_Throttled: x");
        for (code, may_pass) in [
            (Code::Unavailable, true),
            (Code::Unknown, true),
            (Code::ResourceExhausted, true),
            (Code::Unauthenticated, false),
            (Code::InvalidArgument, false),
        ] {
            assert_eq!(SessionError::of(&Status::new(code, "")).may_pass(), may_pass, "{code:?}");
        }
    }
}
