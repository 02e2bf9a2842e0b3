//! The only crate that moves bytes: sockets, the multiplexer, and the [`Link`] above them.
//!
//! ```text
//!   socket ⇄ mux (yamux) ⇄ lane ⇄ frames           one task owns all of it: Link
//!                        ⇄ streams                   handed out as MuxStream
//! ```
//!
//! One task owns a [`Link`] and polls it with [`Link::next`]; everyone else holds a cheap
//! [`LinkHandle`] with which to queue frames, open streams, or close the link.

mod buffer;
mod dial;
mod endpoint;
mod first_frame;
mod link;
mod listener;
mod mux;
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "listeners and dialling do not offer it yet")
)]
mod quic;
mod signal;
mod socket;

pub use buffer::recycle;
pub use dial::{DialError, dial};
pub use endpoint::{Endpoint, EndpointError};
pub use first_frame::{FirstFrame, FirstFrameError};
pub use link::handle::{LinkHandle, OpenError, Priority, PushError};
pub use link::{CloseReason, Event, Link, LinkConfig, LinkError};
pub use listener::{Accepted, Listener};
pub use mux::MuxStream;
