//! A QUIC connection between its first packet and its link.

use super::QuicError;
use super::config_cache::ConfigCache;
use crate::mux::quic::QuicMux;
use crate::tls::Party;
use crate::{CloseReason, Link, LinkConfig, handshake_threads};
use quinn::Connection;
use quinn::crypto::rustls::HandshakeData;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// A connection that has come in, and for which nothing has been done yet. Dropping it refuses it.
#[derive(Debug)]
pub(crate) struct QuicIncoming {
    incoming: quinn::Incoming,
    handshake: HandshakeCount,
    /// For one at a time: while the library answers a client's hello it holds the lock of the endpoint, which serves
    /// everyone who is connected and must have it in between.
    turn: Arc<Semaphore>,
    configs: Arc<ConfigCache>,
}

/// A link that a peer dialled, and who the peer is.
#[derive(Debug)]
pub(crate) struct QuicAccepted {
    pub(crate) link: Link,
    /// The peer's certificates, its own first; empty if it has shown none.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// The name by which the peer called us.
    pub(crate) server_name: Option<String>,
}

/// Counts as a handshake until dropped.
#[derive(Debug)]
struct HandshakeCount(Arc<AtomicUsize>);

impl Drop for HandshakeCount {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl QuicIncoming {
    pub(super) fn new(
        incoming: quinn::Incoming,
        handshake: Arc<AtomicUsize>,
        turn: Arc<Semaphore>,
        configs: Arc<ConfigCache>,
    ) -> Self {
        handshake.fetch_add(1, Ordering::Relaxed);
        Self { incoming, handshake: HandshakeCount(handshake), turn, configs }
    }

    /// The peer's address, for now. Unless it has been asked to show so, the peer may have made it up.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.incoming.remote_address()
    }

    /// Whether the peer has shown that it can be reached at its address.
    pub(crate) fn is_validated(&self) -> bool {
        self.incoming.remote_address_validated()
    }

    /// Goes through the handshake by `tls`, and waits for the peer to open the lane. The caller sets the
    /// deadline: a peer may fall silent at any point. It is cheap to give the same `tls` each time, and
    /// to give another after a reload.
    ///
    /// # Errors
    /// [`QuicError`] if there is no handshake, or the connection is lost meanwhile.
    ///
    /// # Cancel safety
    /// Cancel safe: the connection is closed.
    pub(crate) async fn link(
        self,
        tls: &Arc<rustls::ServerConfig>,
        config: Arc<LinkConfig>,
    ) -> Result<QuicAccepted, QuicError> {
        let server = self.configs.for_link(tls, &config)?;
        let (incoming, runtime) = (self.incoming, Handle::current());
        // The semaphore is never closed.
        let turn = self.turn.acquire().await;
        let accepted = handshake_threads::run(move || {
            let _runtime = runtime.enter();
            incoming.accept_with(server)
        });
        let accepted = accepted.await.map_err(|_| QuicError::Link(CloseReason::Local))?;
        drop(turn);
        let connection = accepted
            .map_err(|error| QuicError::of(error, Party::Client))?
            .await
            .map_err(|error| QuicError::of(error, Party::Client))?;
        let mut mux = QuicMux::new(connection.clone(), super::config::max_streams(&config));
        let lane = mux.accept_lane().await.map_err(|error| QuicError::Link(CloseReason::lost(error)))?;
        drop(self.handshake);
        Ok(QuicAccepted {
            certificates: certificates(&connection),
            server_name: server_name(&connection),
            link: Link::new(Box::new(mux), lane, config),
        })
    }
}

fn certificates(connection: &Connection) -> Vec<CertificateDer<'static>> {
    let identity = connection.peer_identity().map(|identity| identity.downcast());
    identity.and_then(Result::ok).map_or_else(Vec::new, |certificates| *certificates)
}

fn server_name(connection: &Connection) -> Option<String> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.server_name
}
