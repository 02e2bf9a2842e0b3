//! Clients that are not ours, at the control planes of a gateway and of frontlas, and at a broker.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod curl;
mod document;
mod fuzzer;
mod grpc;
mod program;
mod sessions;
mod world;
