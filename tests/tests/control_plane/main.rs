//! The control plane of a gateway through its port, with the real program and real peers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod access;
mod edge_methods;
mod gateway;
mod kick;
mod listen;
mod lists;
mod port;
mod reflection;
mod requests;
mod watch;
mod world;
