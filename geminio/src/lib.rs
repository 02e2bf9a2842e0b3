//! The wire of the Go original, geminio: bytes in, packets out, and the other way round.
//!
//! ```text
//!   bytes ─▶ decode ─▶ Frame ─▶ Packet::parse ─▶ Packet          Conn, Open, Request … ─▶ encode ─▶ bytes
//! ```
//!
//! A connection is a sequence of packets, each with a header of 14 bytes. What they mean stands in PROTOCOL.md beside
//! this crate. Time is an argument here, as everything else.

mod error;
mod frame;
mod json;
mod kind;
mod packet;
mod time;

pub use error::{DecodeError, EncodeError};
pub use frame::{Frame, HEADER_LEN, MAX_BODY, PREFIX, decode};
pub use kind::Kind;
pub use packet::cancel::Cancelled;
pub use packet::conn::{Conn, ConnAck, disconnect, disconnected, heartbeat_ack};
pub use packet::open::{Open, OpenAck};
pub use packet::register::{register, registered};
pub use packet::reply::Reply;
pub use packet::request::Request;
pub use packet::session::{dismiss, dismissed, raw};
pub use packet::{Packet, RequestKind};

/// The session that every connection has from its start.
pub const MAIN_SESSION: u64 = 1;
