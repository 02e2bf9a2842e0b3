//! Real NATS servers for tests, on free ports of 127.0.0.1, in directories of their own, killed when dropped; and a
//! client of a page, which shares nothing with the one of the gateway.
//!
//! Everything here panics when it does not work, and says what to install when a program is missing.

mod client;
mod server;
mod stream;

pub use client::{Client, Received};
pub use server::Server;
