//! Peers of another make: openssl, curl, HAProxy, the WebSocket client of Python, hashicorp/yamux, and an OTLP collector.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod curl;
mod haproxy;
mod openssl;
mod otlp;
mod run;
mod traffic;
mod tunnel;
mod websockets;
mod yamux;
