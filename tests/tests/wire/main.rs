//! The real gateway against peers that break the protocol, go to its limits, or do not read: each gets
//! its error, only its own connection ends, and memory stays bounded.

mod addressing;
mod answers;
mod before_handshake;
mod detached;
mod framing;
mod handshake;
mod limits;
mod multiplexer;
mod process;
mod proxies;
mod slow_peer;
mod streams;
