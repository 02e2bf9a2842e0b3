//! Clients that are not ours, at the control planes of a gateway and of frontlas.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod curl;
mod document;
mod fuzzer;
mod grpc;
mod program;
mod world;
