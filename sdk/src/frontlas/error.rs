//! Why frontlas gave no answer.

use super::Address;
use thiserror::Error;
use tonic::{Code, Status};

/// Why a request to frontlas failed.
#[derive(Clone, Debug, Error)]
pub(crate) enum FrontlasError {
    /// No replica answers, or none knows.
    #[error("frontlas: {0}")]
    Away(String),
    /// It says no, and so would every other replica.
    #[error("frontlas: {}", describe(.0))]
    Refused(Status),
}

impl FrontlasError {
    pub(super) fn new(address: &Address, status: Status) -> Self {
        match status.code() {
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Cancelled
            | Code::Internal
            | Code::Unknown => Self::Away(format!("{address}: {}", describe(&status))),
            _ => Self::Refused(status),
        }
    }
}

/// In one line, down to the cause.
pub(crate) fn describe(status: &Status) -> String {
    let mut text = match status.message() {
        "" => status.code().description().to_owned(),
        message => message.to_owned(),
    };
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        let error_text = error.to_string();
        if !text.contains(&error_text) {
            text = format!("{text}: {error_text}");
        }
        cause = error.source();
    }
    text
}
