//! How edges find their way to a gateway, and back: names, proxies, restarts, pauses.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod alpn;
mod headers;
mod names;
mod paused;
mod proxies;
mod quic_restart;
