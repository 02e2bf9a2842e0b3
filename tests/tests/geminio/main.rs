//! Clients of the Go original at the gateway, made by hand, among themselves and beside clients of our own wire. What they
//! do is what its SDK was seen to do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod bounds;
mod bypass;
mod calls;
mod client;
mod cluster;
mod hostile;
mod joining;
mod losses;
mod messages;
mod observed;
mod presence;
mod streams;
mod tls;
