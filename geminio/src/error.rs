//! What can't be read, and what can't be written.

use crate::Kind;
use thiserror::Error;

/// Bytes that are no packet. The peer is at fault, the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A kind that nobody knows.
    #[error("unknown packet type {0:#04x}")]
    UnknownKind(u8),
    /// A body over the limit.
    #[error("a packet body of {len} bytes is over the limit of {max}")]
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// A body that ends before its fixed part does.
    #[error("a {kind:?} packet of {len} bytes is too short")]
    TooShort {
        /// The kind.
        kind: Kind,
        /// The length of the body, in bytes.
        len: usize,
    },
    /// A body where there is none.
    #[error("a {0:?} packet has a body")]
    NotEmpty(Kind),
    /// The JSON part can't be read.
    #[error("the JSON of a {0:?} packet can't be read")]
    Json(Kind),
    /// A byte string is not in base64, with padding.
    #[error("a byte string of a {0:?} packet is no base64")]
    Base64(Kind),
}

/// A packet that its receivers would not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a packet body of {0} bytes is over the limit of {max} that the wire has", max = crate::MAX_BODY)]
pub struct EncodeError(pub usize);
