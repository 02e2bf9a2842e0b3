//! Why a link ends.

use frontier_protocol::{Code, DecodeError};
use std::io;
use thiserror::Error;

/// Why a link is closed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CloseReason {
    /// The peer ended the connection.
    #[error("the peer closed the connection")]
    Peer,
    /// The connection broke.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// The peer did not read what was sent to it.
    #[error("the peer reads too slowly")]
    SlowPeer,
    /// The peer gave no sign of life.
    #[error("the peer gave no sign of life")]
    Silent,
    /// An operator closed it. The peer may come again.
    #[error("closed by an operator")]
    Kicked,
    /// A newer connection took over the identity.
    #[error("a newer connection took over")]
    Superseded,
    /// The peer was let in, and would not be any more: what it is told.
    #[error("{1}")]
    Refused(Code, String),
    /// The process is stopping, or the user closed it.
    #[error("closed here")]
    Local,
}

/// An error of the peer or of the connection. The link is of no further use.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The connection is closed.
    #[error(transparent)]
    Closed(#[from] CloseReason),
    /// The peer sent what is no frame.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl CloseReason {
    /// The reason in one word that does not change, for logs and counters.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Lost(_) => "lost",
            Self::Protocol(_) => "protocol",
            Self::SlowPeer => "slow",
            Self::Silent => "silent",
            Self::Kicked => "kicked",
            Self::Superseded => "superseded",
            Self::Refused(..) => "refused",
            Self::Local => "local",
        }
    }

    /// What an error of the mux means.
    pub(crate) fn lost(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Peer,
            io::ErrorKind::InvalidData => Self::Protocol(error.to_string()),
            _ => Self::Lost(error.to_string()),
        }
    }
}

impl LinkError {
    /// The reason for which the link ends.
    #[must_use]
    pub fn reason(self) -> CloseReason {
        match self {
            Self::Closed(reason) => reason,
            Self::Decode(error) => CloseReason::Protocol(error.to_string()),
        }
    }
}
