//! What the reason codes of a server mean.

use super::decode::Reason;
use crate::text::one_line;
use crate::{Cause, SendError};

/// Nothing is wrong.
pub(super) const SUCCESS: u8 = 0x00;

/// The server has dropped the message: nobody has subscribed.
pub(super) const NO_SUBSCRIBERS: u8 = 0x10;

/// The packet is longer than the server takes.
const TOO_LARGE: u8 = 0x95;

/// From here on something is wrong.
pub(super) const FAILURE: u8 = 0x80;

/// What became of a message.
pub(super) fn outcome(name: &str, needs_subscriber: bool, reason: &Reason) -> Result<(), SendError> {
    let cause = match reason.code {
        NO_SUBSCRIBERS if needs_subscriber => {
            let text = format!("{name}: nobody has subscribed to its topic: the broker has dropped it");
            return Err(SendError::new(Cause::NoTarget, text));
        }
        code if code < FAILURE => return Ok(()),
        0x87 => Cause::Denied,
        0x90 | 0x99 => Cause::Refused,
        TOO_LARGE => Cause::TooLarge,
        // A quota, an id that is in use, and what a server does not say.
        _ => Cause::Busy,
    };
    Err(SendError::new(cause, format!("{name}: the broker refuses it: {}", describe(reason))))
}

/// In one line, with the number and what the server says besides.
pub(super) fn describe(reason: &Reason) -> String {
    let what = match reason.code {
        SUCCESS => "no reason given",
        NO_SUBSCRIBERS => "no matching subscribers",
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "implementation specific error",
        0x84 => "unsupported protocol version",
        0x85 => "client identifier not valid",
        0x86 => "bad user name or password",
        0x87 => "not authorized",
        0x88 => "server unavailable",
        0x89 => "server busy",
        0x8a => "banned",
        0x8b => "server shutting down",
        0x8c => "bad authentication method",
        0x8d => "keep alive timeout",
        0x8e => "another connection has taken the session over: is its client_id used twice?",
        0x8f => "topic filter invalid",
        0x90 => "topic name invalid",
        0x91 => "packet identifier in use",
        0x93 => "receive maximum exceeded",
        0x94 => "topic alias invalid",
        TOO_LARGE => "packet too large",
        0x96 => "message rate too high",
        0x97 => "quota exceeded",
        0x98 => "administrative action",
        0x99 => "payload format invalid",
        0x9a => "retain not supported",
        0x9b => "QoS not supported",
        0x9c => "use another server",
        0x9d => "server moved",
        0x9e => "shared subscriptions not supported",
        0x9f => "connection rate exceeded",
        0xa0 => "maximum connect time",
        0xa2 => "wildcard subscriptions not supported",
        _ => "an unknown reason",
    };
    let text = if reason.text.is_empty() { String::new() } else { format!(": {}", reason.text) };
    one_line(&format!("{what} (0x{:02x}){text}", reason.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_by_what_to_do() {
        let cause = |code| {
            let reason = Reason { code, text: "why".to_owned() };
            outcome("mqtt", true, &reason).err().map(|error| error.cause)
        };
        for (code, expected) in [
            (0x00, None),
            (0x10, Some(Cause::NoTarget)),
            (0x80, Some(Cause::Busy)),
            (0x83, Some(Cause::Busy)),
            (0x87, Some(Cause::Denied)),
            (0x90, Some(Cause::Refused)),
            (0x91, Some(Cause::Busy)),
            (0x95, Some(Cause::TooLarge)),
            (0x97, Some(Cause::Busy)),
            (0x99, Some(Cause::Refused)),
            (0xff, Some(Cause::Busy)),
        ] {
            assert_eq!(cause(code), expected, "{code:02x}");
        }
        let nobody = Reason { code: NO_SUBSCRIBERS, text: String::new() };
        assert_eq!(outcome("mqtt", false, &nobody), Ok(()));
        let said = Reason { code: 0x97, text: "slow\ndown".to_owned() };
        assert_eq!(describe(&said), "quota exceeded (0x97): slow down");
    }
}
