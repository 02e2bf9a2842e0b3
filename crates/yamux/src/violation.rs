//! How a peer breaks the rules.

use thiserror::Error;

/// How a peer broke the rules, after which the connection is of no further use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// Not version 0.
    #[error("version {0} where 0 was expected")]
    Version(u8),
    /// A frame of no known type.
    #[error("a frame of type {0}")]
    Kind(u8),
    /// A stream was opened with a number that is not the peer's to give.
    #[error("a new stream with number {0}, which is not the sender's to give")]
    Number(u32),
    /// A stream was opened that is there already.
    #[error("a new stream with number {0}, which is in use")]
    Duplicate(u32),
    /// More streams than there may be.
    #[error("more than {0} streams")]
    TooManyStreams(usize),
    /// More pings than wait for an answer, of which the peer reads none.
    #[error("more than {0} pings without reading an answer")]
    TooManyPings(usize),
    /// More bytes than the receiver had allowed.
    #[error("{len} bytes on stream {stream}, of which {window} were allowed")]
    Window {
        /// On which stream.
        stream: u32,
        /// How many.
        len: u32,
        /// How many could be.
        window: u32,
    },
    /// More credit than 4 GiB.
    #[error("more credit for stream {0} than 4 GiB")]
    Credit(u32),
    /// The peer ended the session with an error.
    #[error("the peer ended the session with error {0}")]
    GoAway(u32),
}

impl Violation {
    /// The code with which a peer that did this is told to go, if it has not said so itself.
    #[must_use]
    pub fn go_away(self) -> Option<u32> {
        match self {
            Self::GoAway(_) => None,
            Self::TooManyStreams(_) => Some(2),
            _ => Some(1),
        }
    }
}
