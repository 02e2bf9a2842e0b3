//! A broker in this process, a gateway in memory, and hosts: everything but sockets between them.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod access;
mod drain;
mod durable;
mod grpc;
mod http;
mod limits;
mod metrics;
mod push;
mod scaling;
mod sessions;
mod shared;
mod world;
