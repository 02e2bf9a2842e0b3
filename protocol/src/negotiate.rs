//! The gateway's half of the handshake: what it grants for a `Hello`.

use crate::{Code, Hello, MIN_MAX_FRAME, VERSION};
use thiserror::Error;

/// The shortest heartbeat interval that a dialler gets, in milliseconds.
const MIN_HEARTBEAT_MS: u32 = 100;

/// What a gateway offers every dialler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The longest frame that the gateway takes on the lane, in bytes.
    pub max_frame: u32,
    /// The gateway's heartbeat interval, in milliseconds.
    pub heartbeat_ms: u32,
}

/// A field of a `Hello` with a value that the gateway can't work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NegotiateError {
    /// No version in common.
    #[error("versions in Hello are {lowest} to {highest}, this gateway speaks {VERSION}")]
    Version {
        /// The dialler's lowest.
        lowest: u8,
        /// The dialler's highest.
        highest: u8,
    },
    /// The dialler takes less than any gateway may send.
    #[error("max_frame in Hello is {0}, it must be {MIN_MAX_FRAME} or more")]
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
/// has one that is not longer than the gateway's, but at least 100 ms.
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
        wanted => wanted.max(MIN_HEARTBEAT_MS).min(terms.heartbeat_ms),
    };
    Ok(Terms { max_frame: terms.max_frame.min(hello.max_frame), heartbeat_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    const TERMS: Terms = Terms { max_frame: 1 << 20, heartbeat_ms: 20_000 };

    fn hello() -> Hello<'static> {
        Hello { max_frame: 1 << 20, ..Hello::new(Role::Edge) }
    }

    #[test]
    fn a_version_in_common_is_needed() {
        for (versions, fits) in [
            ((VERSION, VERSION), true),
            ((0, VERSION), true),
            ((VERSION, u8::MAX), true),
            ((0, u8::MAX), true),
            ((0, VERSION - 1), false),
            ((VERSION + 1, u8::MAX), false),
            ((u8::MAX, 0), false),
        ] {
            let result = negotiate(&Hello { versions, ..hello() }, TERMS);
            assert_eq!(result.is_ok(), fits, "{versions:?}");
            if let Err(error) = result {
                assert_eq!(error, NegotiateError::Version { lowest: versions.0, highest: versions.1 });
                assert_eq!(error.code(), Code::Version);
            }
        }
    }

    #[test]
    fn the_smaller_frame_limit_holds_but_it_has_a_least() {
        for (wanted, agreed) in [
            (MIN_MAX_FRAME, MIN_MAX_FRAME),
            (TERMS.max_frame - 1, TERMS.max_frame - 1),
            (u32::MAX, TERMS.max_frame),
        ] {
            let result = negotiate(&Hello { max_frame: wanted, ..hello() }, TERMS);
            assert_eq!(result.unwrap().max_frame, agreed);
        }
        let error = negotiate(&Hello { max_frame: MIN_MAX_FRAME - 1, ..hello() }, TERMS).unwrap_err();
        assert_eq!((error, error.code()), (NegotiateError::MaxFrame(MIN_MAX_FRAME - 1), Code::Protocol));
    }

    #[test]
    fn the_least_frame_limit_holds_the_largest_frame_with_a_fragment() {
        let longest = crate::HEADER_LEN + 8 + usize::from(u16::MAX) + crate::MAX_CUSTOM + crate::FRAGMENT;
        assert!(longest <= MIN_MAX_FRAME as usize);
    }

    #[test]
    fn the_dialler_may_only_shorten_the_heartbeat() {
        for (wanted, agreed) in
            [(0, 20_000), (1, 100), (19_999, 19_999), (20_001, 20_000), (u32::MAX, 20_000)]
        {
            let result = negotiate(&Hello { heartbeat_ms: wanted, ..hello() }, TERMS);
            assert_eq!(result.unwrap().heartbeat_ms, agreed, "wanted {wanted}");
        }
    }
}
