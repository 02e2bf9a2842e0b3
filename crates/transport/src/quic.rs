//! Links over QUIC: its own streams are the mux, and one UDP socket serves all connections.
//!
//! ```text
//!   UDP socket ─▶ endpoint (one task) ─▶ connection (a task each) ─▶ QuicMux ─▶ Link
//! ```
//!
//! A connection outlives a change of the peer's address. Who dialled asks a silent peer for a sign of life every five
//! seconds: the end of a process, which TCP tells, nobody tells here. A listener that was started again resets the
//! connections of before (RFC 9000, 10.3). Who accepted has no timer while idle: who is silent for too long is for the
//! owners of links to say, as over every other carrier.

mod client;
mod config;
mod config_cache;
mod congestion;
mod error;
mod incoming;
mod listener;
mod reset;
mod runtime;
#[cfg(test)]
mod tests;

pub use client::QuicClient;
#[cfg(test)]
pub(crate) use client::dial;
pub(crate) use error::QuicError;
#[cfg(test)]
pub(crate) use incoming::QuicAccepted;
pub(crate) use incoming::QuicIncoming;
pub(crate) use listener::QuicListener;

use quinn::{Endpoint, EndpointConfig};
use runtime::LeanRuntime;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

/// What the kernel may hold for a socket that serves many connections, each way, in bytes. It gives
/// less where its own limits (`net.core.rmem_max`, `wmem_max`) are lower.
const BUFFER: usize = 8 * 1024 * 1024;

/// A UDP socket on `addr`, not yet polled by anyone.
fn bind(addr: SocketAddr, only_v6: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    // Smaller buffers cost packets under load, which are sent again, and nothing else.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    socket.set_nonblocking(true)?;
    if addr.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// A socket to dial from.
fn client_endpoint(addr: SocketAddr) -> io::Result<Endpoint> {
    Endpoint::new(EndpointConfig::default(), None, bind(addr, false)?, Arc::new(LeanRuntime))
}
