//! What a caller is told: a number for programs, which never changes its meaning, and a text for people.

use frontier_mq::{Cause, SendError};
use std::borrow::Cow;
use std::time::Duration;

/// The longest text: gRPC has it in a header where it is a status.
const MAX_TEXT: usize = 1024;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `None` if the broker has confirmed it.
    pub fault: Option<Fault>,
    /// What happened; empty if the broker has confirmed it.
    pub text: Cow<'static, str>,
    /// After how long it may be tried again, where that is known.
    pub retry_after: Option<Duration>,
}

/// Why a message was not confirmed. The numbers are those of `error_no`; 0 is a confirmed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is not valid.
    Invalid = 1,
    /// The target is none of those that are allowed, or not for this caller.
    NotAllowed = 2,
    /// The job or its user sends too much.
    RateLimited = 3,
    /// As much waits as may, or it would wait for longer than the caller.
    Overloaded = 4,
    /// The broker is not connected.
    NotConnected = 5,
    /// Nothing at the broker takes the message: no queue, no exchange, no topic.
    NoTarget = 6,
    /// The broker takes nothing for now.
    Busy = 7,
    /// The time was over before the message had left.
    Deadline = 8,
    /// The time was over before the broker had answered.
    Unanswered = 9,
    /// The connection was lost before the broker had answered.
    Lost = 10,
    /// The message is longer than the relay or the broker takes.
    TooLarge = 11,
    /// The broker does not allow it.
    Denied = 12,
    /// The broker refuses it, and would again.
    Refused = 13,
    /// The gateway stops.
    Closing = 14,
    /// It was tried before, and what became of it is not known here any more.
    Forgotten = 15,
}

impl Fault {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::Invalid,
        Self::NotAllowed,
        Self::RateLimited,
        Self::Overloaded,
        Self::NotConnected,
        Self::NoTarget,
        Self::Busy,
        Self::Deadline,
        Self::Unanswered,
        Self::Lost,
        Self::TooLarge,
        Self::Denied,
        Self::Refused,
        Self::Closing,
        Self::Forgotten,
    ];

    /// Its name in JSON and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotAllowed => "not_allowed",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::NotConnected => "not_connected",
            Self::NoTarget => "no_target",
            Self::Busy => "busy",
            Self::Deadline => "deadline",
            Self::Unanswered => "unanswered",
            Self::Lost => "lost",
            Self::TooLarge => "too_large",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Closing => "closing",
            Self::Forgotten => "forgotten",
        }
    }

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> i32 {
        self as i32
    }

    /// Whether the message may have been stored all the same: sent again it may be there twice.
    #[must_use]
    pub fn may_be_stored(self) -> bool {
        matches!(self, Self::Unanswered | Self::Lost | Self::Forgotten)
    }
}

impl From<Cause> for Fault {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::NotConnected => Self::NotConnected,
            Cause::Overloaded => Self::Overloaded,
            Cause::TooLarge => Self::TooLarge,
            Cause::NoTarget => Self::NoTarget,
            Cause::Denied => Self::Denied,
            Cause::Refused => Self::Refused,
            Cause::Busy => Self::Busy,
            Cause::Deadline => Self::Deadline,
            Cause::Unanswered => Self::Unanswered,
            Cause::Lost => Self::Lost,
            Cause::Closing => Self::Closing,
        }
    }
}

impl Answer {
    /// The broker has confirmed it.
    pub const OK: Self = Self { fault: None, text: Cow::Borrowed(""), retry_after: None };

    /// It was not confirmed.
    pub fn new(fault: Fault, text: impl Into<Cow<'static, str>>) -> Self {
        let mut text = text.into();
        if text.len() > MAX_TEXT {
            let end = text.floor_char_boundary(MAX_TEXT);
            text = text[..end].to_owned().into();
        }
        Self { fault: Some(fault), text, retry_after: None }
    }

    pub(crate) fn after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// `error_no`.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.fault.map_or(0, Fault::number)
    }

    /// `ok`, or the name of the fault.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.fault.map_or("ok", Fault::as_str)
    }

    /// Whether nobody knows if it was stored.
    #[must_use]
    pub fn may_be_stored(&self) -> bool {
        self.fault.is_some_and(Fault::may_be_stored)
    }
}

impl From<SendError> for Answer {
    fn from(error: SendError) -> Self {
        Self::new(error.cause.into(), error.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_order_and_0_is_no_fault() {
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(usize::try_from(fault.number()), Ok(index + 1), "{fault:?}");
        }
        assert_eq!((Answer::OK.number(), Answer::OK.name()), (0, "ok"));
    }

    #[test]
    fn what_may_be_stored_at_a_broker_may_be_so_for_callers() {
        for cause in Cause::ALL {
            assert_eq!(Fault::from(cause).may_be_stored(), cause.may_be_stored(), "{}", cause.label());
            assert_eq!(Fault::from(cause).as_str(), cause.label());
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let answer = Answer::new(Fault::Refused, "ä".repeat(MAX_TEXT));
        assert_eq!(answer.text.len(), MAX_TEXT);
        let answer = Answer::new(Fault::Refused, format!("a{}", "ä".repeat(MAX_TEXT)));
        assert_eq!(answer.text.len(), MAX_TEXT - 1);
    }
}
