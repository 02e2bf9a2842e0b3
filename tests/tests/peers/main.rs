//! Peers of another make: openssl, curl, HAProxy, the WebSocket client of Python, and hashicorp/yamux.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod curl;
mod haproxy;
mod openssl;
mod run;
mod traffic;
mod tunnel;
mod websockets;
mod yamux;
