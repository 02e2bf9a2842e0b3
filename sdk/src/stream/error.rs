//! The error of a call or a message on a stream.

use crate::HandlerError;
use frontier_protocol::{Code, EncodeError, retry_after, retry_detail};
use std::fmt;
use std::io;
use std::time::Duration;

/// Why a message or a call on a stream failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamError {
    /// What went wrong.
    pub code: Code,
    /// With [`Code::Application`] the error number of the application at the other end; with
    /// [`Code::Overloaded`] how long to wait before another attempt, in milliseconds, or 0.
    pub detail: u32,
    /// What went wrong, in words. Empty if there is no more to say than the code does.
    pub text: String,
}

impl StreamError {
    /// An error that no application numbered.
    #[must_use]
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, detail: 0, text: text.into() }
    }

    /// The error of an application, with a number of its own: what a handler answers with.
    #[must_use]
    pub fn application(number: u32, text: impl Into<String>) -> Self {
        Self { code: Code::Application, detail: number, text: text.into() }
    }

    /// Whether the same operation may succeed when it is tried again, on this stream or on a new one.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.code.is_retryable()
    }

    /// There is no room now: what a handler answers with that wants its caller to try again `after` so
    /// long. With zero it does not say when.
    #[must_use]
    pub fn retry_later(text: impl Into<String>, after: Duration) -> Self {
        Self { code: Code::Overloaded, detail: retry_detail(after), text: text.into() }
    }

    /// How long to wait before another attempt, if the other end has said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.code, self.detail)
    }

    pub(super) fn too_large(len: usize, max: usize) -> Self {
        let text = format!("a frame of {len} bytes is over the limit of {max}: write raw bytes instead");
        Self::new(Code::TooLarge, text)
    }
}

impl fmt::Display for StreamError {
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

impl std::error::Error for StreamError {}

impl From<HandlerError> for StreamError {
    fn from(error: HandlerError) -> Self {
        let (code, detail) = error.to_wire();
        Self { code, detail, text: error.text }
    }
}

impl From<crate::Error> for StreamError {
    fn from(error: crate::Error) -> Self {
        Self { code: error.code(), detail: error.detail(), text: error.text().to_owned() }
    }
}

impl From<EncodeError> for StreamError {
    fn from(error: EncodeError) -> Self {
        Self::new(Code::TooLarge, error.to_string())
    }
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::BrokenPipe => Code::Denied,
            _ => Code::Disconnected,
        };
        Self::new(code, error.to_string())
    }
}

/// The stream is gone, and nobody said goodbye.
pub(super) fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the stream was reset or its connection lost")
}

/// This side may write no more.
pub(super) fn shut_down() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "this side of the stream was shut down")
}

/// As much of an error's text as is sent, so that no text makes a frame too long.
pub(super) fn clip(text: &str) -> &str {
    const MAX: usize = 4096;
    let mut end = text.len().min(MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_says_each_thing_once() {
        assert_eq!(StreamError::new(Code::Deadline, "").to_string(), "deadline exceeded");
        assert_eq!(StreamError::application(7, "disk full").to_string(), "application error 7: disk full");
    }

    #[test]
    fn a_text_is_clipped_between_characters() {
        assert_eq!(clip("ok"), "ok");
        let long = "ä".repeat(4096);
        assert_eq!(clip(&long).len(), 4096);
        assert_eq!(clip(&long[2..].replacen('ä', "a", 1)).len(), 4095);
    }
}
