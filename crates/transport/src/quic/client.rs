//! The UDP sockets that QUIC connections are dialled from.

use super::{QuicError, config};
use crate::address::lookup;
use crate::mux::quic::QuicMux;
use crate::tcp::race;
use crate::tls::Party;
use crate::{CloseReason, Link, LinkConfig};
use parking_lot::Mutex;
use quinn::{ClientConfig, Connection, Endpoint};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// The UDP sockets that are dialled from over QUIC: one per address family, which all connections
/// share. A socket is there from the first of them until the last has ended and this is dropped.
#[derive(Debug, Default)]
pub struct QuicClient {
    v4: Mutex<Option<Endpoint>>,
    v6: Mutex<Option<Endpoint>>,
}

/// Connects over a socket of its own; otherwise as [`QuicClient::dial`].
#[cfg(test)]
pub(crate) async fn dial(
    to: (&str, u16),
    server_name: &str,
    tls: &rustls::ClientConfig,
    config: LinkConfig,
) -> Result<Link, QuicError> {
    QuicClient::default().dial(to, server_name, tls, config).await
}

impl QuicClient {
    /// Connects to host and port, whose certificate must be for `server_name`, and opens the lane. Addresses are
    /// raced, and have 5 seconds each: where nobody listens, nobody says so.
    ///
    /// The peer may find fault with our certificate only when this has returned: then the link ends
    /// with its word.
    ///
    /// # Errors
    /// [`QuicError`] if the host has no address, or none of them answers as it should.
    ///
    /// # Cancel safety
    /// Cancel safe: the connection is dropped.
    pub(crate) async fn dial(
        &self,
        to: (&str, u16),
        server_name: &str,
        tls: &rustls::ClientConfig,
        config: LinkConfig,
    ) -> Result<Link, QuicError> {
        let client = config::client(tls, &config)?;
        let addresses = lookup(to.0, to.1).await.map_err(QuicError::Lookup)?;
        let connection =
            race(addresses, |address| self.connect(client.clone(), address, server_name)).await?;
        let mut mux = QuicMux::new(connection, config::max_streams(&config)).watch_peer();
        let lane = mux.open_lane().await.map_err(|error| QuicError::Link(CloseReason::lost(error)))?;
        Ok(Link::new(Box::new(mux), lane, Arc::new(config)))
    }

    async fn connect(
        &self,
        client: ClientConfig,
        addr: SocketAddr,
        server_name: &str,
    ) -> Result<Connection, QuicError> {
        let connecting = self.endpoint(addr)?.connect_with(client, addr, server_name)?;
        connecting.await.map_err(|error| QuicError::of(error, Party::Server))
    }

    /// The socket from which `addr` is reached.
    fn endpoint(&self, addr: SocketAddr) -> io::Result<Endpoint> {
        let (slot, any) = match addr {
            SocketAddr::V4(_) => (&self.v4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
            SocketAddr::V6(_) => (&self.v6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))),
        };
        let mut slot = slot.lock();
        match &*slot {
            Some(endpoint) => Ok(endpoint.clone()),
            None => Ok(slot.insert(super::client_endpoint(any)?).clone()),
        }
    }

    /// Moves the connections to a new socket, and so to another port.
    #[cfg(test)]
    pub(super) fn rebind(&self) -> io::Result<()> {
        for (slot, any) in [(&self.v4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))] {
            if let Some(endpoint) = &*slot.lock() {
                endpoint.rebind(super::bind(any, false)?)?;
            }
        }
        Ok(())
    }
}
