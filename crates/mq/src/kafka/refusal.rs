//! What the errors of the library mean for a message.

use super::connect::describe;
use crate::{Cause, SendError};
use krafka::error::ErrorCode;
use krafka::{KrafkaError, ProtocolErrorKind};

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its batch was not stored, because of one of its records: each is to be sent alone.
    Batch(SendError),
    /// The message ends with this.
    Ended(SendError),
    /// The message ends with this, and the session too: it is of no use any more, or nobody answers.
    Over(SendError),
}

/// What the error of a record means. `is_quiet` tells that nothing else was acked meanwhile.
pub(super) fn verdict(name: &str, error: &KrafkaError, is_quiet: bool) -> Verdict {
    let text = describe(error);
    let with = |cause, what: &str| SendError::new(cause, format!("{name}: {what}: {text}"));
    match error {
        KrafkaError::Broker { code, .. } if !error.is_fatal() => of_code(name, *code, &text),
        KrafkaError::UnknownTopic { .. } => Verdict::Ended(with(Cause::NoTarget, "there is no such topic")),
        KrafkaError::Protocol { kind: ProtocolErrorKind::FrameTooLarge, .. } => {
            Verdict::Ended(with(Cause::TooLarge, "the message does not fit into a request"))
        }
        KrafkaError::DeliveryTimeout { possibly_written, message } => {
            let is_answered = message.contains("broker error");
            let is_unknown_topic = message.contains("UnknownTopic");
            let error = match possibly_written {
                false if is_unknown_topic => with(Cause::NoTarget, "there is no such topic any more"),
                false if is_answered => with(Cause::Busy, "the broker does not take it for now"),
                false => with(Cause::NotConnected, "the broker is not reached"),
                true => with(Cause::Unanswered, "the broker may have the message"),
            };
            if is_quiet && !is_answered { Verdict::Over(error) } else { Verdict::Ended(error) }
        }
        KrafkaError::Network(_) | KrafkaError::Timeout { .. } => {
            let error = with(Cause::NotConnected, "the broker is not reached");
            if is_quiet { Verdict::Over(error) } else { Verdict::Ended(error) }
        }
        KrafkaError::Config { .. } | KrafkaError::Compression { .. } | KrafkaError::Serialization { .. } => {
            Verdict::Ended(with(Cause::Refused, "it can't be sent"))
        }
        // A producer that is fenced, closed, out of sequence, or not known any more.
        _ => Verdict::Over(with(Cause::Lost, "the producer is over, and the broker may have the message")),
    }
}

fn of_code(name: &str, code: ErrorCode, text: &str) -> Verdict {
    let error = |cause, what: &str| SendError::new(cause, format!("{name}: {what}: {text}"));
    let refused = "the broker refuses it";
    match code {
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => {
            Verdict::Batch(error(Cause::TooLarge, "it is over what its topic takes"))
        }
        ErrorCode::InvalidRecord | ErrorCode::InvalidTimestamp | ErrorCode::CorruptMessage => {
            Verdict::Batch(error(Cause::Refused, refused))
        }
        ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId => {
            Verdict::Ended(error(Cause::NoTarget, "there is no such topic"))
        }
        ErrorCode::TopicAuthorizationFailed => {
            Verdict::Ended(error(Cause::Denied, "the broker does not allow it"))
        }
        code if code.is_retriable() => {
            Verdict::Ended(error(Cause::Busy, "the broker does not take it for now"))
        }
        _ => Verdict::Ended(error(Cause::Refused, refused)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(error: &KrafkaError) -> (Cause, &'static str) {
        match verdict("kafka", error, true) {
            Verdict::Batch(error) => (error.cause, "batch"),
            Verdict::Ended(error) => (error.cause, "ended"),
            Verdict::Over(error) => (error.cause, "over"),
        }
    }

    #[test]
    fn errors_say_whether_to_try_again_and_whether_it_may_be_there() {
        let broker = |code| KrafkaError::broker(code, "x");
        let late = |possibly_written, message: &str| KrafkaError::DeliveryTimeout {
            possibly_written,
            message: message.to_owned(),
        };
        for (error, expected) in [
            (broker(ErrorCode::MessageTooLarge), (Cause::TooLarge, "batch")),
            (broker(ErrorCode::InvalidRecord), (Cause::Refused, "batch")),
            (broker(ErrorCode::UnknownTopicOrPartition), (Cause::NoTarget, "ended")),
            (broker(ErrorCode::TopicAuthorizationFailed), (Cause::Denied, "ended")),
            (broker(ErrorCode::ClusterAuthorizationFailed), (Cause::Lost, "over")),
            (broker(ErrorCode::NotEnoughReplicas), (Cause::Busy, "ended")),
            (broker(ErrorCode::PolicyViolation), (Cause::Refused, "ended")),
            (late(true, "network error: reset"), (Cause::Unanswered, "over")),
            (late(false, "network error: refused"), (Cause::NotConnected, "over")),
            (late(true, "last error: broker error: NotEnoughReplicas"), (Cause::Unanswered, "ended")),
            (late(false, "last error: broker error: UnknownTopicOrPartition"), (Cause::NoTarget, "ended")),
            (KrafkaError::Wakeup, (Cause::Lost, "over")),
        ] {
            assert_eq!(cause(&error), expected, "{error}");
        }
    }
}
