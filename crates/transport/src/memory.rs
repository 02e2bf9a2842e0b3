//! A listener without a socket: for tests of those who use links, with both ends in one process.

use crate::carrier::BoxedCarrier;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// Connections that wait to be accepted. Whoever connects then waits as well.
const BACKLOG: usize = 128;

/// What is on its way in one direction, in bytes: about what the system keeps for a socket.
const BUFFER: usize = 128 * 1024;

/// What a listener in memory has accepted: a byte stream, and where it comes from.
pub(crate) type Arrival = (BoxedCarrier, SocketAddr);

/// Where one connects to a listener in memory. Clones lead to the same.
#[derive(Clone, Debug)]
pub struct MemoryPort {
    arrivals: mpsc::Sender<Arrival>,
    /// Each caller has a port of its own, as callers on one machine have.
    port: Arc<AtomicU16>,
}

impl MemoryPort {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Arrival>) {
        let (arrivals, accepted) = mpsc::channel(BACKLOG);
        (Self { arrivals, port: Arc::new(AtomicU16::new(1)) }, accepted)
    }

    /// Connects. The caller is at 127.0.0.1.
    ///
    /// # Errors
    /// That nobody listens any more.
    ///
    /// # Cancel safety
    /// Cancel safe: there is no connection then.
    pub async fn connect(&self) -> io::Result<DuplexStream> {
        let (near, far) = tokio::io::duplex(BUFFER);
        let peer = (Ipv4Addr::LOCALHOST, self.port.fetch_add(1, Ordering::Relaxed)).into();
        let sent = self.arrivals.send((Box::new(far), peer)).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(near)
    }
}
