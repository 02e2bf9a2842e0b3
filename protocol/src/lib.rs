//! The wire of Frontier, pure: bytes and time go in, frames and decisions come out.
//!
//! Nothing here opens a socket, reads a clock or spawns a task. The header comment of each module
//! under [`frame`] is the specification of that frame; `PROTOCOL.md` beside this crate tells the
//! whole in one piece, and `golden/` holds every frame as bytes for other implementations.
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use frontier_protocol::{Custom, Decoder, Kind, Request};
//!
//! let mut wire = BytesMut::new();
//! let request = Request { timeout_ms: 30_000, method: "echo", custom: Custom::plain(b""), payload: b"hi" };
//! request.encode(7, &mut wire)?;
//!
//! let mut decoder = Decoder::new(64 * 1024);
//! decoder.push(wire.freeze());
//! let frame = decoder.next()?.expect("the whole frame was pushed");
//! assert_eq!((frame.kind, frame.id), (Kind::Request, 7));
//! assert_eq!(Request::parse(&frame)?.payload, b"hi");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claim;
mod code;
mod custom;
mod decoder;
pub mod frame;
mod handshake;
mod heartbeat;
mod id;
mod name;
mod negotiate;
mod peer_text;
mod remote_caller;
mod retry;
mod role;
mod session;
mod tagged;
mod token;
mod trace;
mod verified_edge;

pub use claim::{Claim, Proof};
pub use code::{Code, Fault};
pub use custom::{Custom, MAX_CUSTOM, TAIL_LEN, push_remote_caller, split_remote_caller};
pub use decoder::{DecodeError, Decoder};
pub use frame::ack::Ack;
pub use frame::data::{DATA_OVERHEAD, data_end, data_header};
pub use frame::go_away::GoAway;
pub use frame::hello::{Advertised, Hello};
pub use frame::lookup::{Lookup, LookupAck};
pub use frame::members::{Members, OtherMember};
pub use frame::offer::{Offer, OfferEntry, Offered};
pub use frame::open::{Open, OpenAck};
pub use frame::ping::{ping, pong, pong_at, pong_time};
pub use frame::plan::{Other, Plan};
pub use frame::publish::Publish;
pub use frame::register::{Names, Register, RegisterAck, Registration};
pub use frame::reject::Reject;
pub use frame::report::{Entry, Op, Part, Report, ReportAck, Superseded};
pub use frame::request::{Cancel, Request};
pub use frame::response::Response;
pub use frame::returned::Returned;
pub use frame::welcome::Welcome;
pub use frame::{EncodeError, Flags, Frame, HEADER_LEN, Kind, ParseError};
pub use handshake::{Rejection, WelcomeError};
pub use heartbeat::{Beat, Heartbeat};
pub use id::{EdgeId, Epoch, ServiceId};
pub use name::{CATCH_ALL, EDGE_OFFLINE, EDGE_ONLINE, GET_EDGE_ID, is_reserved};
pub use negotiate::{NegotiateError, Terms, negotiate};
pub use peer_text::PeerText;
pub use remote_caller::RemoteCaller;
pub use retry::{retry_after, retry_detail};
pub use role::{Role, Side};
pub use session::Session;
pub use token::{MAX_TOKEN, Token};
pub use trace::{
    MAX_TRACE, MAX_TRACESTATE, TRACEPARENT_LEN, TraceContext, push_trace, split_trace, traceparent,
};
pub use verified_edge::VerifiedEdge;

/// The version of the wire that this crate speaks.
pub const VERSION: u8 = 1;

/// The longest payload that travels inside a frame on the lane, in bytes. A longer one gets a mux
/// stream of its own, so that it delays nothing.
pub const FRAGMENT: usize = 64 * 1024;

/// The smallest `max_frame` that a peer may announce: a full fragment and the largest header.
pub const MIN_MAX_FRAME: u32 = 256 * 1024;

/// A bit of the features in `Hello` and `Welcome` between frontiers: the dialler takes [`Offer`]s, and what it asks for
/// edges goes by name ([`Flags::BY_NAME`]).
pub const FEATURE_BY_NAME: u32 = 0x01;

/// A bit of the features in a frontier's `Hello` to frontlas: its edges reach the services of all other frontiers that have
/// it.
pub const FEATURE_FORWARDS: u32 = 0x02;

/// A bit of the features in `Hello` and `Welcome` between a frontier and frontlas: reports say with what connections claim
/// their ids ([`Claim`]), and frontlas judges it.
pub const FEATURE_CLAIMS: u32 = 0x04;

/// A bit of the features in `Hello` and `Welcome`: requests and streams that are sent there may have a trace context
/// ([`Flags::TRACED`]). Of `Hello` for what is sent to the dialler, of `Welcome` for both directions.
pub const FEATURE_TRACE: u32 = 0x08;

/// A bit of the features in `Hello` and `Welcome` of an edge: it tells what methods it answers, with `Hello` and later with
/// [`Register`]. Of `Welcome`: the gateway has noted those of `Hello`, and takes [`Register`]s.
pub const FEATURE_EDGE_METHODS: u32 = 0x10;
