use crate::{Code, Hello, MIN_MAX_FRAME, VERSION};
use thiserror::Error;

/// What a gateway offers every dialler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The longest frame that the gateway takes on the lane, in bytes.
    pub max_frame: u32,
    /// The gateway's heartbeat interval, in milliseconds.
    pub heartbeat_ms: u32,
}

/// Why a dialler and a gateway can't talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NegotiateError {
    /// No version in common.
    #[error("wire versions {lowest} to {highest} are spoken there, {VERSION} here")]
    Version {
        /// The dialler's lowest.
        lowest: u8,
        /// The dialler's highest.
        highest: u8,
    },
    /// The dialler takes less than any gateway may send.
    #[error("max frame of {0} bytes is below the least of {MIN_MAX_FRAME}")]
    MaxFrame(u32),
}

impl NegotiateError {
    /// The code that goes on the wire.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Version { .. } => Code::Version,
            Self::MaxFrame(_) => Code::Protocol,
        }
    }
}

/// What holds for a connection: the smaller of both frame limits, and the dialler's heartbeat if it
/// has one that is not longer than the gateway's.
///
/// # Errors
/// [`NegotiateError`] if there is no common ground.
pub fn negotiate(hello: &Hello<'_>, terms: Terms) -> Result<Terms, NegotiateError> {
    let (lowest, highest) = hello.versions;
    if !(lowest..=highest).contains(&VERSION) {
        return Err(NegotiateError::Version { lowest, highest });
    }
    if hello.max_frame < MIN_MAX_FRAME {
        return Err(NegotiateError::MaxFrame(hello.max_frame));
    }
    let heartbeat_ms = match hello.heartbeat_ms {
        0 => terms.heartbeat_ms,
        wanted => wanted.min(terms.heartbeat_ms),
    };
    Ok(Terms { max_frame: terms.max_frame.min(hello.max_frame), heartbeat_ms })
}
