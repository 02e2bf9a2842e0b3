//! A UDP socket on which QUIC connections come in.

use super::config_cache::ConfigCache;
use super::incoming::QuicIncoming;
use super::reset::endpoint_config;
use super::runtime::LeanRuntime;
use crate::tls::KeyDigest;
use parking_lot::Mutex;
use quinn::{Endpoint, ServerConfig};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::warn;

/// Handshakes under way from which on callers must show that they can be reached at their address
/// before anything is kept for them. It costs them a round trip.
const RETRY_FROM: usize = 64;

/// The pause before a failed socket is replaced.
const REBIND_DELAY: Duration = Duration::from_millis(500);

/// A UDP socket on which QUIC connections come in, and over which all of them are served.
///
/// Dropping it refuses new connections; those that stand go on.
#[derive(Debug)]
pub(crate) struct QuicListener {
    addr: SocketAddr,
    only_v6: bool,
    /// Gone after the socket has failed, until it is replaced.
    endpoint: Mutex<Option<Endpoint>>,
    configs: Arc<ConfigCache>,
    key: KeyDigest,
    handshakes: Arc<AtomicUsize>,
    turn: Arc<Semaphore>,
}

impl QuicListener {
    /// Listens on `addr`; port 0 lets the system choose. `tls` is looked at to see that it fits QUIC;
    /// what a handshake goes by is said with each: see [`QuicIncoming::link`]. A listener with the same `key` at the
    /// same address can end connections of this one once this is gone.
    ///
    /// # Errors
    /// When the address can't be bound, or `tls` does not fit.
    pub(crate) fn bind(
        addr: SocketAddr,
        only_v6: bool,
        tls: &rustls::ServerConfig,
        key: KeyDigest,
    ) -> io::Result<Self> {
        let configs = Arc::new(ConfigCache::new(tls)?);
        let endpoint = endpoint(super::bind(addr, only_v6)?, &key, configs.initial())?;
        Ok(Self {
            addr: endpoint.local_addr()?,
            only_v6,
            endpoint: Mutex::new(Some(endpoint)),
            configs,
            key,
            handshakes: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
        })
    }

    /// The address that is listened on.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next connection, with nothing done for it yet. Survives the failure of the socket, though
    /// connections over it do not.
    ///
    /// # Cancel safety
    /// Cancel safe: no connection is lost.
    pub(crate) async fn accept(&self) -> QuicIncoming {
        loop {
            let endpoint = self.endpoint.lock().clone();
            let Some(endpoint) = endpoint else {
                self.rebind().await;
                continue;
            };
            let Some(incoming) = endpoint.accept().await else {
                warn!(addr = %self.addr, "the QUIC socket has failed, and with it its connections");
                *self.endpoint.lock() = None;
                continue;
            };
            let is_busy = self.handshakes.load(Ordering::Relaxed) >= RETRY_FROM;
            if is_busy && !incoming.remote_address_validated() {
                // Fails only for callers who have been through it.
                let _ = incoming.retry();
                continue;
            }
            return QuicIncoming::new(
                incoming,
                self.handshakes.clone(),
                self.turn.clone(),
                self.configs.clone(),
            );
        }
    }

    /// Tries to replace the endpoint. The address is free only when its connections have been dropped.
    async fn rebind(&self) {
        tokio::time::sleep(REBIND_DELAY).await;
        let socket = super::bind(self.addr, self.only_v6);
        match socket.and_then(|socket| endpoint(socket, &self.key, self.configs.initial())) {
            Ok(endpoint) => *self.endpoint.lock() = Some(endpoint),
            Err(error) => warn!(%error, addr = %self.addr, "can't listen for QUIC, will try again"),
        }
    }

    /// What a failure of the socket comes to.
    #[cfg(test)]
    pub(super) fn break_socket(&self) {
        if let Some(endpoint) = &*self.endpoint.lock() {
            endpoint.close(quinn::VarInt::from_u32(0), b"");
        }
    }

    /// Ends the connections that are left, and waits until their peers were told. The caller sets the
    /// deadline.
    #[cfg(test)]
    pub(crate) async fn close(self) {
        let endpoint = self.endpoint.lock().clone();
        if let Some(endpoint) = endpoint {
            endpoint.close(quinn::VarInt::from_u32(0), b"");
            endpoint.wait_idle().await;
        }
    }
}

fn endpoint(socket: UdpSocket, key: &KeyDigest, server: ServerConfig) -> io::Result<Endpoint> {
    let config = endpoint_config(key, socket.local_addr()?);
    Endpoint::new(config, Some(server), socket, Arc::new(LeanRuntime))
}

impl Drop for QuicListener {
    fn drop(&mut self) {
        if let Some(endpoint) = &*self.endpoint.lock() {
            endpoint.set_server_config(None);
        }
    }
}
