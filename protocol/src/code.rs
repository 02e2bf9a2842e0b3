//! The codes of errors: whose fault, whether to try again, what to say.

use std::fmt;

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody's: the outcome was a success.
    None,
    /// The sender asked for what can't be had.
    Caller,
    /// The receiver failed or refused.
    Callee,
    /// The gateway or the network between.
    Transit,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $fault:ident, $retryable:literal, $text:literal;)*) => {
        /// Outcome of an operation, as its number on the wire.
        ///
        /// Numbers are frozen: a gap is a retired code and is never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// A code that this version does not know. Not retryable, the callee's fault.
            Unknown(u16),
        }

        impl Code {
            /// Every code that this version knows, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code with this wire number.
            #[must_use]
            pub fn from_wire(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Unknown(other),
                }
            }

            /// The number of this code on the wire.
            #[must_use]
            pub fn to_wire(self) -> u16 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Unknown(number) => number,
                }
            }

            /// Whose fault it is.
            #[must_use]
            pub fn fault(self) -> Fault {
                match self {
                    $(Self::$name => Fault::$fault,)*
                    Self::Unknown(_) => Fault::Callee,
                }
            }

            /// Whether the same operation may succeed when it is tried again, by itself or elsewhere.
            #[must_use]
            pub fn is_retryable(self) -> bool {
                match self {
                    $(Self::$name => $retryable,)*
                    Self::Unknown(_) => false,
                }
            }

            /// A short text in lower case, such as `edge not online`.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Unknown(_) => "unknown error code",
                }
            }
        }
    };
}

codes! {
    /// Done.
    Ok = 0, None, false, "ok";
    /// The peer broke the protocol; the connection ends.
    Protocol = 1, Caller, false, "protocol error";
    /// No version of the wire in common.
    Version = 2, Caller, false, "unsupported version";
    /// The credentials are missing or wrong.
    Unauthenticated = 3, Caller, false, "unauthenticated";
    /// The operation is not allowed, or was refused.
    Denied = 4, Caller, false, "denied";
    /// A frame, a payload, a header or a name is over its limit.
    TooLarge = 5, Caller, false, "too large";
    /// A queue or a limit is full; try again later.
    Overloaded = 6, Transit, true, "overloaded";
    /// The gateway or the receiver is going away and takes nothing new.
    Draining = 7, Transit, true, "draining";
    /// The connection to the receiver, or one's own, was lost while the operation was in flight.
    Disconnected = 8, Transit, true, "disconnected";
    /// The deadline passed.
    Deadline = 9, Transit, true, "deadline exceeded";
    /// The sender cancelled it.
    Cancelled = 10, Caller, false, "cancelled";
    /// No edge with that id is connected here.
    EdgeNotOnline = 11, Caller, true, "edge not online";
    /// No service of that name is connected.
    ServiceNotOnline = 12, Caller, true, "service not online";
    /// Nobody has registered that method.
    MethodNotFound = 13, Caller, false, "method not found";
    /// Nobody takes that topic.
    TopicNotOnline = 14, Caller, true, "topic not online";
    /// A newer connection took over this identity.
    Superseded = 15, Caller, false, "superseded by a newer connection";
    /// The receiver dropped a message without marking it as done.
    NotDone = 16, Callee, true, "dropped without being done";
    /// The receiver's handler panicked.
    Panicked = 17, Callee, false, "handler panicked";
    /// The receiver takes no streams, or refused this one.
    StreamRefused = 18, Callee, false, "stream refused";
    /// The gateway itself failed.
    Internal = 19, Transit, true, "internal error";
    /// The receiver's application answered with an error; a number of its own travels beside it.
    Application = 100, Callee, false, "application error";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(number) => write!(f, "unknown error code {number}"),
            known => f.write_str(known.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_makes_the_round_trip() {
        for number in 0..=u16::MAX {
            assert_eq!(Code::from_wire(number).to_wire(), number);
        }
    }

    #[test]
    fn numbers_are_frozen() {
        let frozen = [
            (Code::Ok, 0),
            (Code::Protocol, 1),
            (Code::Version, 2),
            (Code::Unauthenticated, 3),
            (Code::Denied, 4),
            (Code::TooLarge, 5),
            (Code::Overloaded, 6),
            (Code::Draining, 7),
            (Code::Disconnected, 8),
            (Code::Deadline, 9),
            (Code::Cancelled, 10),
            (Code::EdgeNotOnline, 11),
            (Code::ServiceNotOnline, 12),
            (Code::MethodNotFound, 13),
            (Code::TopicNotOnline, 14),
            (Code::Superseded, 15),
            (Code::NotDone, 16),
            (Code::Panicked, 17),
            (Code::StreamRefused, 18),
            (Code::Internal, 19),
            (Code::Application, 100),
        ];
        assert_eq!(frozen.map(|(code, _)| code), Code::ALL, "a code that is not in this list");
        for (code, number) in frozen {
            assert_eq!(code.to_wire(), number, "{code}");
        }
    }

    #[test]
    fn an_unknown_code_keeps_its_number_and_is_not_tried_again() {
        let unknown = Code::from_wire(999);
        assert_eq!(unknown, Code::Unknown(999));
        assert_eq!((unknown.fault(), unknown.is_retryable()), (Fault::Callee, false));
        assert_eq!(unknown.to_string(), "unknown error code 999");
    }

    #[test]
    fn only_success_is_without_fault() {
        for &code in Code::ALL {
            assert_eq!(code.fault() == Fault::None, code == Code::Ok, "{code}");
            assert_eq!(code.to_string(), code.text());
        }
        assert!(!Code::Ok.is_retryable());
    }
}
