//! Frames: the common header, and one module per kind.
//!
//! Every frame starts with 16 bytes, big endian:
//!
//! ```text
//!  0               4      5       6        8                       16
//!  | length (u32)  | kind | flags | code   | id (u64)               | the kind's fields …
//! ```
//!
//! - `length` counts the bytes after itself, so it is at least 12.
//! - `kind` says which module below describes the rest.
//! - `flags`: bit 7 is [`Flags::SKIPPABLE`]; the others belong to the kind.
//! - `code` is the outcome in answers, the reason in `Reject` and `GoAway` ([`crate::Code`]), and 0
//!   elsewhere.
//! - `id` pairs an answer with its request. Each side numbers its own requests.
//!
//! `Ack`, `Response`, `OpenAck`, `Reject`, `ReportAck` and `LookupAck` start with a `detail` (u32) that says more about the code:
//!
//! | code | detail |
//! |---|---|
//! | `Application` | the application's own error number |
//! | `Overloaded` | how long to wait before another attempt, in milliseconds; 0 if that is not known |
//! | any other | 0, and not looked at |
//!
//! A gateway passes it on as it is.
//!
//! A kind's fields come first, then its names, then `custom`, then the payload up to the end of the
//! frame. Adding or taking off the EdgeID tail of `custom` thus never moves the payload.

pub mod ack;
pub mod data;
pub(crate) mod fields;
pub mod go_away;
pub mod hello;
pub mod lookup;
pub mod members;
pub mod offer;
pub mod open;
pub mod ping;
pub mod plan;
pub mod publish;
pub mod register;
pub mod reject;
pub mod report;
pub mod request;
pub mod response;
pub mod returned;
#[cfg(test)]
pub(crate) mod testing;
pub mod welcome;

use crate::Code;
use bytes::{BufMut, Bytes};
use std::fmt;
use thiserror::Error;

/// Length of the header of every frame, in bytes, `length` included.
pub const HEADER_LEN: usize = 16;

/// How many bytes of the header `length` counts.
const LENGTH_COUNTS: usize = HEADER_LEN - 4;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        /// The kinds of frames. Numbers are frozen; a gap is retired, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name = $number,)*
        }

        impl Kind {
            /// Every kind that this version knows, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The kind with this wire number.
            #[must_use]
            pub fn from_wire(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// First frame of a dialler: [`hello`].
    Hello = 0x01;
    /// The gateway took the dialler in: [`welcome`].
    Welcome = 0x02;
    /// The gateway did not: [`reject`].
    Reject = 0x03;
    /// Are you there: [`ping`].
    Ping = 0x04;
    /// I am: [`ping`].
    Pong = 0x05;
    /// Send me nothing new, I am leaving: [`go_away`].
    GoAway = 0x06;
    /// A message: [`publish`].
    Publish = 0x10;
    /// What became of a message: [`ack`].
    Ack = 0x11;
    /// A call: [`request`].
    Request = 0x20;
    /// What became of a call: [`response`].
    Response = 0x21;
    /// The sender no longer wants the answer: [`request`].
    Cancel = 0x22;
    /// A service takes methods or topics: [`register`].
    Register = 0x30;
    /// What became of it: [`register`].
    RegisterAck = 0x31;
    /// A service no longer takes them: [`register`].
    Unregister = 0x32;
    /// What became of it: [`register`].
    UnregisterAck = 0x33;
    /// First frame of a user stream: [`open`].
    Open = 0x40;
    /// What became of it: [`open`].
    OpenAck = 0x41;
    /// Raw bytes inside a user stream: [`data`].
    Data = 0x50;
    /// A frontier tells frontlas who is connected: [`report`].
    Report = 0x60;
    /// What became of it: [`report`].
    ReportAck = 0x61;
    /// A frontier asks frontlas where an edge is: [`lookup`].
    Lookup = 0x62;
    /// Where it is: [`lookup`].
    LookupAck = 0x63;
    /// Frontlas tells a frontier of the others, and how many edges to give to them: [`plan`].
    Plan = 0x64;
    /// Frontlas tells a frontier of all others: [`members`].
    Members = 0x65;
    /// A request of another frontier, given back: [`returned`].
    Returned = 0x68;
    /// What the services of another frontier take: [`offer`].
    Offer = 0x69;
}

/// The flags of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// On any kind: a receiver that does not know the kind skips the frame.
    pub const SKIPPABLE: Self = Self(0x80);
    /// On `Publish`: the sender waits for an `Ack`.
    pub const ACKED: Self = Self(0x01);
    /// On `Publish`, `Request` and `Response`: the payload is not in the frame. A 4-byte length of
    /// the payload stands in its place, and the payload follows on the same mux stream.
    pub const DETACHED: Self = Self(0x02);
    /// On `Publish` and `Request` from a frontier to another one: if the edge is not there, the request is
    /// given back in a `Returned`. The same where its name is to be there, and is not.
    pub const RETURN: Self = Self(0x04);
    /// On `Publish`, `Request`, `Open` and `Returned` between frontiers: an edge asks, and the name says which services
    /// are asked.
    pub const BY_NAME: Self = Self(0x08);
    /// On `Publish`, `Request`, `Open` and `Returned`: behind the users' own part of `custom` or `meta` stands a trace
    /// context, and behind that its length. Only to who has [`FEATURE_TRACE`](crate::FEATURE_TRACE).
    pub const TRACED: Self = Self(0x10);
    /// On `Response` between frontiers: its `custom` has no tail.
    pub const UNTAILED: Self = Self(0x08);
    /// On `Register` and `Unregister`: the names are topics. Without it they are methods.
    pub const TOPICS: Self = Self(0x01);

    /// On `GoAway`: the sender itself stays. It only asks the receiver to go elsewhere.
    pub const STAYS: Self = Self(0x01);

    /// On `Data`: the sender's half of the stream ends with this frame, in good order.
    pub const END: Self = Self(0x01);

    /// On `Report`: the entries are a part of everything that is online.
    pub const SNAPSHOT: Self = Self(0x01);
    /// On `Report`, `Members` and `Offer`: the snapshot begins here.
    pub const FIRST: Self = Self(0x02);
    /// On `Report`, `Members` and `Offer`: the snapshot is whole with this.
    pub const LAST: Self = Self(0x04);
    /// On `Report`: the frontier drains, and nobody new should be sent there.
    pub const DRAINING: Self = Self(0x08);
    /// On `ReportAck`: send a snapshot.
    pub const RESYNC: Self = Self(0x01);

    /// Whether every flag of `other` is set.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One frame as received: the header's values, and the bytes after the header.
///
/// `Debug` shows of a `Hello` only the length: it may hold a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Which frame it is.
    pub kind: Kind,
    /// Its flags.
    pub flags: Flags,
    /// Its outcome, in answers.
    pub code: Code,
    /// What pairs it with its request or answer.
    pub id: u64,
    /// Everything after the header.
    pub body: Bytes,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, flags, code, id, body } = self;
        let mut frame = f.debug_struct("Frame");
        frame.field("kind", kind).field("flags", flags).field("code", code).field("id", id);
        match kind {
            Kind::Hello => frame.field("body", &format_args!("{} bytes", body.len())),
            _ => frame.field("body", body),
        };
        frame.finish()
    }
}

/// A frame whose inside does not fit its kind. The peer is at fault, the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// The body ends before the named field does.
    #[error("{kind:?} frame ends inside its {field}")]
    Truncated {
        /// The frame.
        kind: Kind,
        /// What was being read.
        field: &'static str,
    },
    /// A name is not UTF-8.
    #[error("{kind:?} frame has a name that is not UTF-8")]
    NameNotUtf8 {
        /// The frame.
        kind: Kind,
    },
    /// A value that this version can't read.
    #[error("{kind:?} frame has an invalid {field}")]
    Invalid {
        /// The frame.
        kind: Kind,
        /// The field in question.
        field: &'static str,
    },
    /// Another kind was expected here.
    #[error("{got:?} frame where {want:?} was due")]
    Unexpected {
        /// What came.
        got: Kind,
        /// What may come.
        want: Kind,
    },
}

/// A value that does not fit the layout. The sender is at fault, nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A name of this many bytes: the layout carries 65,535.
    #[error("a name of {0} bytes is over 65535")]
    NameTooLong(usize),
    /// A custom header of this many bytes, tail included: the layout carries 65,535.
    #[error("a custom header of {0} bytes is over 65535")]
    CustomTooLong(usize),
    /// A field of this many bytes: the layout carries 65,535.
    #[error("a field of {0} bytes is over 65535")]
    FieldTooLong(usize),
    /// A token of this many bytes: [`MAX_TOKEN`](crate::MAX_TOKEN) is the most.
    #[error("a token of {0} bytes is over {max}", max = crate::MAX_TOKEN)]
    TokenTooLong(usize),
    /// A payload of this many bytes: the layout carries a little less than 4 GiB.
    #[error("a payload of {0} bytes does not fit a frame")]
    PayloadTooLong(usize),
}

/// Header of a frame whose body has `body_len` bytes.
pub(crate) fn put_header(
    out: &mut impl BufMut,
    kind: Kind,
    flags: Flags,
    code: Code,
    id: u64,
    body_len: usize,
) -> Result<(), EncodeError> {
    let length =
        u32::try_from(body_len + LENGTH_COUNTS).map_err(|_| EncodeError::PayloadTooLong(body_len))?;
    let mut header = [0u8; HEADER_LEN];
    header[..4].copy_from_slice(&length.to_be_bytes());
    header[4] = kind as u8;
    header[5] = flags.0;
    header[6..8].copy_from_slice(&code.to_wire().to_be_bytes());
    header[8..].copy_from_slice(&id.to_be_bytes());
    out.put_slice(&header);
    Ok(())
}

/// Refuses a frame of another kind.
pub(crate) fn expect(frame: &Frame, want: Kind) -> Result<(), ParseError> {
    if frame.kind == want { Ok(()) } else { Err(ParseError::Unexpected { got: frame.kind, want }) }
}

#[cfg(test)]
mod tests;
