use super::incoming::QuicIncoming;
use super::{config, socket};
use crate::LinkConfig;
use parking_lot::Mutex;
use quinn::{Endpoint, ServerConfig};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracing::warn;

/// Handshakes under way from which on callers must show that they can be reached at their address
/// before anything is kept for them. It costs them a round trip.
const RETRY_FROM: usize = 64;

/// The pause before a failed socket is replaced.
const PAUSE: Duration = Duration::from_millis(500);

/// A UDP socket on which QUIC connections come in, and over which all of them are served.
///
/// Dropping it refuses new connections; those that stand go on.
#[derive(Debug)]
pub(crate) struct QuicListener {
    addr: SocketAddr,
    state: Mutex<State>,
    handshakes: Arc<AtomicUsize>,
    max_streams: u32,
}

#[derive(Debug)]
struct State {
    /// Gone after the socket has failed, until it is replaced.
    endpoint: Option<Endpoint>,
    server: ServerConfig,
}

impl QuicListener {
    /// Listens on `addr`; port 0 lets the system choose. `config` bounds the streams of the links.
    ///
    /// # Errors
    /// When the address can't be bound, or `tls` does not fit QUIC.
    pub(crate) fn bind(
        addr: SocketAddr,
        tls: &rustls::ServerConfig,
        config: &LinkConfig,
    ) -> io::Result<Self> {
        let server = config::server(tls, config)?;
        let endpoint = socket::endpoint(addr, Some(server.clone()))?;
        Ok(Self {
            addr: endpoint.local_addr()?,
            state: Mutex::new(State { endpoint: Some(endpoint), server }),
            handshakes: Arc::default(),
            max_streams: config::max_streams(config),
        })
    }

    /// The address that is listened on.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Has connections from here on greeted with `tls`. Those that stand, and those whose handshake is
    /// under way, keep what they have.
    ///
    /// # Errors
    /// When `tls` does not fit QUIC; nothing has changed then.
    pub(crate) fn set_tls(&self, tls: &rustls::ServerConfig) -> io::Result<()> {
        let crypto = config::server_tls(tls)?;
        let mut state = self.state.lock();
        state.server.crypto = crypto;
        if let Some(endpoint) = &state.endpoint {
            endpoint.set_server_config(Some(state.server.clone()));
        }
        Ok(())
    }

    /// The next connection, with nothing done for it yet. Survives the failure of the socket, though
    /// connections over it do not.
    ///
    /// # Cancel safety
    /// Cancel safe: no connection is lost.
    pub(crate) async fn accept(&self) -> QuicIncoming {
        loop {
            let endpoint = self.state.lock().endpoint.clone();
            let Some(endpoint) = endpoint else {
                self.revive().await;
                continue;
            };
            let Some(incoming) = endpoint.accept().await else {
                warn!(addr = %self.addr, "the QUIC socket has failed, and with it its connections");
                self.state.lock().endpoint = None;
                continue;
            };
            let is_busy = self.handshakes.load(Ordering::Relaxed) >= RETRY_FROM;
            if is_busy && !incoming.remote_address_validated() {
                // Fails only for callers who have been through it.
                let _ = incoming.retry();
                continue;
            }
            return QuicIncoming::new(incoming, self.handshakes.clone(), self.max_streams);
        }
    }

    /// Tries to replace the endpoint. The address is free only when its connections have been dropped.
    async fn revive(&self) {
        tokio::time::sleep(PAUSE).await;
        let mut state = self.state.lock();
        match socket::endpoint(self.addr, Some(state.server.clone())) {
            Ok(endpoint) => state.endpoint = Some(endpoint),
            Err(error) => warn!(%error, addr = %self.addr, "can't listen for QUIC, will try again"),
        }
    }

    /// What a failure of the socket comes to.
    #[cfg(test)]
    pub(super) fn break_socket(&self) {
        if let Some(endpoint) = &self.state.lock().endpoint {
            endpoint.close(quinn::VarInt::from_u32(0), b"");
        }
    }

    /// Ends the connections that are left, and waits until their peers were told. The caller sets the
    /// deadline.
    #[cfg(test)]
    pub(crate) async fn close(self) {
        let endpoint = self.state.lock().endpoint.clone();
        if let Some(endpoint) = endpoint {
            endpoint.close(quinn::VarInt::from_u32(0), b"");
            endpoint.wait_idle().await;
        }
    }
}

impl Drop for QuicListener {
    fn drop(&mut self) {
        if let Some(endpoint) = &self.state.lock().endpoint {
            endpoint.set_server_config(None);
        }
    }
}
