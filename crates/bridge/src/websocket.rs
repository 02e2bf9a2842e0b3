//! Subscribers over WebSocket (RFC 6455), with compression of each message by itself (RFC 7692).
//!
//! What goes out was encoded before, once for all: a session writes shared frames and its own notices, and holds nothing of
//! what its peer does not read but the page that it was given. What comes in is pings, a close, and short texts.

mod extension;
mod frame;
mod incoming;
mod session;
mod socket;
mod upgrade;

pub(crate) use frame::put_header;
pub(crate) use session::{Session, Style};
pub(crate) use upgrade::{Upgrade, is_upgrade};
