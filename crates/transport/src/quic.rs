//! Links over QUIC: its own streams are the mux, and one UDP socket serves all connections.
//!
//! ```text
//!   UDP socket ─▶ endpoint (one task) ─▶ connection (a task each) ─▶ QuicMux ─▶ Link
//! ```
//!
//! A connection outlives a change of the peer's address. It has no timer of its own while idle: who is
//! silent for too long is for the owners of links to say, as over every other carrier.

mod client;
mod config;
mod config_cache;
mod error;
mod incoming;
mod listener;
mod socket;
#[cfg(test)]
mod tests;

pub use client::QuicClient;
#[cfg(test)]
pub(crate) use client::dial;
pub(crate) use error::QuicError;
#[cfg(test)]
pub(crate) use incoming::QuicAccepted;
pub(crate) use incoming::QuicIncoming;
pub(crate) use listener::QuicListener;
