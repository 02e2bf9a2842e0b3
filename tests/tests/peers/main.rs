//! Peers of another make: openssl, curl, HAProxy, and the WebSocket client of Python.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod curl;
mod haproxy;
mod openssl;
mod run;
mod traffic;
mod tunnel;
mod websockets;
