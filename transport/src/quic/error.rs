use crate::CloseReason;
use crate::mux::quic::{alert, into_io};
use quinn::{ConnectError, ConnectionError};
use rustls::AlertDescription;
use std::io;
use thiserror::Error;

/// Why there is no link over QUIC.
#[derive(Debug, Error)]
pub(crate) enum QuicError {
    /// No address, no socket, or no connection.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: {text}")]
    Tls {
        /// Why, as far as TLS tells: what we have told the peer, or been told.
        alert: AlertDescription,
        /// Whether it was the peer who ended it.
        by_peer: bool,
        /// Why, in words.
        text: String,
    },
    /// The connection was lost before the lane stood.
    #[error(transparent)]
    Link(CloseReason),
}

impl From<ConnectionError> for QuicError {
    fn from(error: ConnectionError) -> Self {
        match &error {
            ConnectionError::TransportError(failed) => match alert(failed.code) {
                Some(alert) => Self::Tls { alert, by_peer: false, text: failed.reason.clone() },
                None => Self::Io(into_io(error)),
            },
            ConnectionError::ConnectionClosed(close) => match alert(close.error_code) {
                Some(alert) => {
                    Self::Tls { alert, by_peer: true, text: format!("the peer ended it: {alert:?}") }
                }
                None => Self::Io(into_io(error)),
            },
            _ => Self::Io(into_io(error)),
        }
    }
}

impl From<ConnectError> for QuicError {
    fn from(error: ConnectError) -> Self {
        Self::Io(io::Error::new(io::ErrorKind::InvalidInput, error))
    }
}
