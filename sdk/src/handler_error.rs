//! The bad answer of a handler.

use crate::{Error, StreamError};
use frontier_protocol::{Code, retry_detail};
use std::fmt;
use std::time::Duration;

/// The bad answer of a handler: its caller gets [`Code::Application`] with this number and this text. Or
/// not now: then it gets [`Code::Overloaded`], and may try again.
///
/// Any error converts into it by `?`, `anyhow::Error` and texts too, with the number 0, and with its text and those
/// of its causes. An [`Error`] or a [`StreamError`] keeps its number, or the time after which to try again.
///
/// ```
/// use frontier_sdk::{HandlerError, Response};
///
/// fn answer(text: &str) -> Result<Response, HandlerError> {
///     let number: u32 = text.parse()?; // any error of the standard library or of one's own
///     let half = halve(number)?;
///     if half == 0 {
///         return Err(HandlerError::new(7, "too small")); // a number that the caller can look at
///     }
///     Ok(half.to_string().into())
/// }
///
/// fn halve(number: u32) -> anyhow::Result<u32> {
///     anyhow::ensure!(number % 2 == 0, "{number} is odd");
///     Ok(number / 2)
/// }
///
/// assert_eq!(answer("84").unwrap().data, "42");
/// assert_eq!(answer("7").unwrap_err().text, "7 is odd");
/// assert_eq!(answer("0").unwrap_err().code, 7);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerError {
    /// The application's own error number. It does not travel where the caller may try again.
    pub code: u32,
    /// What went wrong, in words.
    pub text: String,
    /// After how long the caller may try again; zero if that is not known. `None` if it should not.
    pub retry_after: Option<Duration>,
}

impl HandlerError {
    /// An error with a number of the application's own.
    #[must_use]
    pub fn new(code: u32, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), retry_after: None }
    }

    /// What was asked for can't be done now, but may be `after` so long: in whole milliseconds, some 49
    /// days at most. With zero it does not say when.
    #[must_use]
    pub fn retry_later(text: impl Into<String>, after: Duration) -> Self {
        Self { code: 0, text: text.into(), retry_after: Some(after) }
    }

    /// How this stands on the wire: the code, and what it leaves open.
    pub(crate) fn to_wire(&self) -> (Code, u32) {
        match self.retry_after {
            Some(after) => (Code::Overloaded, retry_detail(after)),
            None => (Code::Application, self.code),
        }
    }

    /// What another handler has answered goes on to whoever asked this one.
    fn passed_on(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let (code, application, text, after) = if let Some(error) = error.downcast_ref::<Error>() {
            (error.code(), error.application(), error.text(), error.retry_after())
        } else {
            let error = error.downcast_ref::<StreamError>()?;
            let application = (error.code == Code::Application).then_some(error.detail);
            (error.code, application, &*error.text, error.retry_after())
        };
        match application {
            Some(number) => Some(Self::new(number, text)),
            None if code == Code::Overloaded => Some(Self::retry_later(text, after.unwrap_or_default())),
            None => None,
        }
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

// Not an error itself, or the conversion would collide with that of a type into itself.
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        let error: Box<dyn std::error::Error + Send + Sync> = error.into();
        if let Some(passed_on) = Self::passed_on(&*error) {
            return passed_on;
        }
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Some errors say in their own text what their cause is.
            let of_cause = error.to_string();
            if !text.contains(&of_cause) {
                text = format!("{text}: {of_cause}");
            }
            cause = error.source();
        }
        Self::new(0, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn whatever_a_handler_fails_with_becomes_its_answer() {
        let of_text = HandlerError::from("disk full");
        assert_eq!(of_text, HandlerError::new(0, "disk full"));
        assert_eq!(HandlerError::from("disk full".to_owned()), of_text);
        let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        assert_eq!(HandlerError::from(missing), HandlerError::new(0, "no such file"));
        let nested = Err::<(), _>("x".parse::<u8>().unwrap_err()).context("reading the port").unwrap_err();
        assert_eq!(HandlerError::from(nested).text, "reading the port: invalid digit found in string");
    }

    #[test]
    fn what_another_handler_answered_keeps_its_number() {
        let numbered = Error::from_wire(Code::Application, 7, "disk full");
        assert_eq!(HandlerError::from(numbered), HandlerError::new(7, "disk full"));
        let numbered = StreamError::application(7, "disk full");
        assert_eq!(HandlerError::from(numbered), HandlerError::new(7, "disk full"));
        let after = Duration::from_millis(250);
        let later = HandlerError::retry_later("busy", after);
        assert_eq!(HandlerError::from(Error::from_wire(Code::Overloaded, 250, "busy")), later);
        assert_eq!(HandlerError::from(StreamError::retry_later("busy", after)), later);
        let other = HandlerError::from(Error::new(Code::EdgeNotOnline, "7"));
        assert_eq!(other, HandlerError::new(0, Error::new(Code::EdgeNotOnline, "7").to_string()));
    }
}
