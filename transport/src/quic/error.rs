use crate::CloseReason;
use crate::mux::quic::{alert, into_io};
use quinn::{ConnectError, ConnectionError};
use std::io;
use thiserror::Error;

/// Why there is no link over QUIC.
#[derive(Debug, Error)]
pub(crate) enum QuicError {
    /// No address, no socket, or no connection.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Who the other is could not be shown, here or there.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// The connection was lost before the lane stood.
    #[error(transparent)]
    Link(CloseReason),
}

impl From<ConnectionError> for QuicError {
    fn from(error: ConnectionError) -> Self {
        match &error {
            ConnectionError::TransportError(failed) if alert(failed.code).is_some() => {
                Self::Tls(failed.reason.clone())
            }
            ConnectionError::ConnectionClosed(close) => match alert(close.error_code) {
                Some(alert) => Self::Tls(format!("the peer ended it: {alert:?}")),
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
