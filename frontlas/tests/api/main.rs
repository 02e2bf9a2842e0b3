//! The control plane through its port.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod access;
mod console;
mod grpc;
mod health;
mod http;
mod limits;
mod old_client;
mod paging;
mod rest;
mod switch;
mod watch;
mod watch_grpc;
mod watch_limits;
mod watch_sse;
mod world;
