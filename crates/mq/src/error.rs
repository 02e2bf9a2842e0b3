//! Why a message was not confirmed.

use std::borrow::Cow;
use thiserror::Error;

/// Why a message was not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct SendError {
    /// The kind of error.
    pub cause: Cause,
    /// What happened, and to which sink.
    pub text: Cow<'static, str>,
}

impl SendError {
    /// An error with its text.
    pub fn new(cause: Cause, text: impl Into<Cow<'static, str>>) -> Self {
        Self { cause, text: text.into() }
    }
}

/// The kinds of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The broker is not connected. The message has not left.
    NotConnected,
    /// As much waits or is in flight as may.
    Overloaded,
    /// The message is longer than the broker takes.
    TooLarge,
    /// Nothing at the broker takes the message: no stream, no subscriber.
    NoTarget,
    /// The broker does not allow it.
    Denied,
    /// The broker refuses it, and would again.
    Refused,
    /// The broker refuses it for now: it is full, or on its way to another state.
    Busy,
    /// The deadline passed before the message had left.
    Deadline,
    /// The deadline passed before the broker had answered. The message may have been stored.
    Unanswered,
    /// The connection was lost before the broker had answered. The message may have been stored.
    Lost,
    /// The sink is being closed. The message has not left.
    Closing,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NotConnected,
        Self::Overloaded,
        Self::TooLarge,
        Self::NoTarget,
        Self::Denied,
        Self::Refused,
        Self::Busy,
        Self::Deadline,
        Self::Unanswered,
        Self::Lost,
        Self::Closing,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::Overloaded => "overloaded",
            Self::TooLarge => "too_large",
            Self::NoTarget => "no_target",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Deadline => "deadline",
            Self::Unanswered => "unanswered",
            Self::Lost => "lost",
            Self::Closing => "closing",
        }
    }

    /// Whether the message may have been stored all the same: sent again it may be there twice.
    #[must_use]
    pub fn may_be_stored(self) -> bool {
        matches!(self, Self::Unanswered | Self::Lost)
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_place() {
        for (index, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause.index(), index, "{}", cause.label());
        }
    }
}
