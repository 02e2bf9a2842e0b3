//! Links over TLS and WebSocket, on real sockets: who gets in, who does not, and what each is told.

#![expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod authority;
mod bridge;
mod certificates;
mod clients;
mod files;
mod gateway;
mod line_protocol;
mod protocols;
mod reload;
mod revocation;
mod storm;
mod traffic;
mod websocket;
