//! How a stream's other half ended, and what that is for readers, callers and senders.

use super::error::lost;
use frontier_protocol::Code;
use std::fmt;
use std::io;

/// How the other end's half ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In good order.
    Clean,
    /// It was reset, or lost with its connection, or given up here.
    Lost,
    /// It can't go on.
    Broken(Code, String),
}

impl End {
    pub(super) fn protocol(error: impl fmt::Display) -> Self {
        Self::Broken(Code::Protocol, error.to_string())
    }

    /// What reading returns from here on.
    pub(super) fn to_io(&self) -> io::Result<()> {
        match self {
            Self::Clean => Ok(()),
            Self::Lost => Err(lost()),
            Self::Broken(code, text) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("{code}: {text}")))
            }
        }
    }

    pub(super) fn reason(&self) -> (Code, &str) {
        match self {
            Self::Clean => (Code::Disconnected, "the other end has shut its side of the stream down"),
            Self::Lost => (Code::Disconnected, "the stream was reset or its connection lost"),
            Self::Broken(code, text) => (*code, text),
        }
    }
}
