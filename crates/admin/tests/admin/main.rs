//! The server through its port, with a small router of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod guard;
mod health;
mod hosts;
mod limits;
mod metrics;
mod proxies;
mod routes;
mod tls;
mod watch;
mod world;
