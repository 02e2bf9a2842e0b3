//! What nsqd refuses, and what that means for other messages.
//!
//! A connection takes commands one after the other, and ends at the first that is refused: all before it were answered, what
//! is behind it was not looked at.

use super::frame::Failure;
use crate::{Cause, SendError};

/// The kind of error for a message that was refused.
pub(super) fn refused(name: &str, failure: &Failure) -> SendError {
    let cause = match &*failure.code {
        "E_BAD_MESSAGE" | "E_BAD_BODY" if max_size(failure).is_some() => Cause::TooLarge,
        "E_UNAUTHORIZED" | "E_AUTH_FAILED" | "E_AUTH_FIRST" => Cause::Denied,
        "E_BAD_TOPIC" | "E_BAD_MESSAGE" | "E_BAD_BODY" | "E_INVALID" => Cause::Refused,
        // It stops, or can't write.
        _ => Cause::Busy,
    };
    SendError::new(cause, format!("{name}: the broker refuses it: {}", failure.text))
}

/// How many bytes it takes, where it says so: `PUB message too big 2000 > 1024`.
pub(super) fn max_size(failure: &Failure) -> Option<usize> {
    let (_, numbers) = failure.text.split_once("too big ")?;
    numbers.split_once("> ")?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_by_what_to_do() {
        for (text, cause, max) in [
            ("E_BAD_TOPIC PUB topic name \"a b\" is not valid", Cause::Refused, None),
            ("E_BAD_MESSAGE PUB message too big 2000 > 1024", Cause::TooLarge, Some(1024)),
            ("E_BAD_MESSAGE PUB invalid message body size 0", Cause::Refused, None),
            ("E_UNAUTHORIZED AUTH failed for PUB on \"a\" \"\"", Cause::Denied, None),
            ("E_PUB_FAILED PUB failed exiting", Cause::Busy, None),
        ] {
            let failure = Failure { code: text.split(' ').next().unwrap().to_owned(), text: text.to_owned() };
            assert_eq!((refused("nsq", &failure).cause, max_size(&failure)), (cause, max), "{text}");
        }
    }
}
