//! The error of a call, a message or the opening of a stream.

use crate::{ConnectError, StreamError};
use frontier_protocol::{Code, Fault, retry_after, retry_detail};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Why an operation failed: a code that programs look at, and a text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    /// What the code leaves open: [`frontier_protocol::frame`].
    detail: u32,
    text: Cow<'static, str>,
}

impl Error {
    pub(crate) fn new(code: Code, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: 0, text: text.into() }
    }

    pub(crate) fn from_wire(code: Code, detail: u32, text: &str) -> Self {
        Self { code, detail, text: Cow::Owned(text.into()) }
    }

    /// What went wrong.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The error number of the application that answered, if it was an application that did.
    #[must_use]
    pub fn application(&self) -> Option<u32> {
        (self.code == Code::Application).then_some(self.detail)
    }

    pub(crate) fn detail(&self) -> u32 {
        self.detail
    }

    /// What went wrong, in words. Empty if there is no more to say than the code does.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the same operation may succeed when it is tried again.
    ///
    /// The failed attempt may have had its effect all the same: after [`Code::Disconnected`] and
    /// [`Code::Deadline`] nobody knows.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.code.is_retryable()
    }

    /// How long to wait before another attempt, if whoever was overloaded has said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.code, self.detail)
    }

    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.code.fault()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Code::Application if self.detail != 0 => write!(f, "{} {}", self.code, self.detail)?,
            code => write!(f, "{code}")?,
        }
        if !self.text.is_empty() {
            write!(f, ": {}", self.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<frontier_protocol::EncodeError> for Error {
    fn from(error: frontier_protocol::EncodeError) -> Self {
        Self::new(Code::TooLarge, error.to_string())
    }
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Self {
        Self { code: error.code, detail: error.detail, text: error.text.into() }
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        let detail = error.retry_after().map_or(0, retry_detail);
        match error {
            // Its text says the code already.
            ConnectError::Refused { code, text } => Self { code, detail, text: text.into() },
            error => Self { code: error.code(), detail, text: error.to_string().into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_says_each_thing_once() {
        assert_eq!(Error::new(Code::Deadline, "").to_string(), "deadline exceeded");
        assert_eq!(
            Error::new(Code::MethodNotFound, "no `echo` here").to_string(),
            "method not found: no `echo` here"
        );
        let error = Error::from_wire(Code::Application, 7, "disk full");
        assert_eq!(error.to_string(), "application error 7: disk full");
        assert_eq!(error.application(), Some(7));
    }

    #[test]
    fn errors_of_streams_and_of_connecting_convert_without_loss() {
        let on_stream = StreamError::application(7, "disk full");
        let error = Error::from(on_stream.clone());
        assert_eq!((error.application(), error.text()), (Some(7), "disk full"));
        assert_eq!(StreamError::from(error), on_stream);
        let refused = ConnectError::Refused { code: Code::Unauthenticated, text: "unknown token".into() };
        assert_eq!(Error::from(refused), Error::new(Code::Unauthenticated, "unknown token"));
    }

    #[test]
    fn only_an_application_has_a_number() {
        assert_eq!(Error::from_wire(Code::Deadline, 7, "").application(), None);
    }

    #[test]
    fn only_an_overload_says_when_to_come_again() {
        let after = |code, detail| Error::from_wire(code, detail, "").retry_after();
        assert_eq!(after(Code::Overloaded, 250), Some(Duration::from_millis(250)));
        assert_eq!((after(Code::Overloaded, 0), after(Code::Application, 250)), (None, None));
    }
}
