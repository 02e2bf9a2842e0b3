//! Why there is no link over QUIC.

use crate::CloseReason;
use crate::mux::quic::{alert, into_io};
use crate::tcp::Summary;
use crate::tls::{Party, TlsError};
use quinn::{ConnectError, ConnectionError};
use std::io;
use std::net::SocketAddr;
use thiserror::Error;

/// Why there is no link over QUIC.
#[derive(Debug, Error)]
pub(crate) enum QuicError {
    /// The host's name has no address that is known.
    #[error(transparent)]
    Lookup(io::Error),
    /// No socket, or no connection.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Who the other is could not be shown, here or there.
    #[error(transparent)]
    Tls(TlsError),
    /// The connection was lost before the lane stood.
    #[error(transparent)]
    Link(CloseReason),
}

impl QuicError {
    /// Why a handshake with `peer` came to nothing.
    pub(super) fn of(error: ConnectionError, peer: Party) -> Self {
        match &error {
            ConnectionError::TransportError(failed) => {
                if let Some(alert) = alert(failed.code) {
                    return Self::Tls(TlsError::sent_alert(alert, &failed.reason, peer));
                }
            }
            ConnectionError::ConnectionClosed(close) => {
                if let Some(alert) = alert(close.error_code) {
                    return Self::Tls(TlsError::received_alert(alert, peer));
                }
            }
            _ => {}
        }
        Self::Io(into_io(error))
    }
}

impl From<ConnectError> for QuicError {
    fn from(error: ConnectError) -> Self {
        Self::Io(io::Error::new(io::ErrorKind::InvalidInput, error))
    }
}

impl Summary for QuicError {
    /// One that answers says more than those that don't.
    fn summary(failed: Vec<(SocketAddr, Self)>) -> Self {
        let mut silent = Vec::new();
        for (address, error) in failed {
            match error {
                Self::Io(error) => silent.push((address, error)),
                error => return error,
            }
        }
        Self::Io(io::Error::summary(silent))
    }
}
