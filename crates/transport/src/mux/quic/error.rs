//! Errors of QUIC, as a link tells them apart.

use crate::tls::{Party, TlsError};
use quinn::{ConnectionError, TransportErrorCode};
use std::io;

/// What the end of a QUIC connection means, in the kinds that a link tells apart. Text that the peer
/// sent is left out.
pub(crate) fn into_io(error: ConnectionError) -> io::Error {
    use io::ErrorKind as Kind;
    let (kind, text) = match error {
        ConnectionError::ApplicationClosed(_) => return Kind::UnexpectedEof.into(),
        ConnectionError::TransportError(error) if error.code == TransportErrorCode::INTERNAL_ERROR => {
            (Kind::Other, format!("QUIC failed here: {}", error.reason))
        }
        ConnectionError::TransportError(error) => match alert(error.code) {
            Some(_) => (Kind::Other, format!("the TLS handshake failed: {}", error.reason)),
            None => (Kind::InvalidData, format!("QUIC protocol violation: {error}")),
        },
        ConnectionError::ConnectionClosed(close) => match alert(close.error_code) {
            // Only a client hears of it when the link stands already.
            Some(alert) => {
                (Kind::PermissionDenied, TlsError::received_alert(alert, Party::Server).to_string())
            }
            None if close.error_code == TransportErrorCode::CONNECTION_REFUSED => {
                (Kind::ConnectionRefused, "the peer refused the connection".into())
            }
            None => (Kind::ConnectionAborted, format!("the peer's QUIC gave up: {}", close.error_code)),
        },
        ConnectionError::Reset => (Kind::ConnectionReset, "the peer no longer knows the connection".into()),
        ConnectionError::TimedOut => (Kind::TimedOut, "nothing came from the peer for too long".into()),
        ConnectionError::LocallyClosed => (Kind::ConnectionAborted, "the connection was closed here".into()),
        ConnectionError::VersionMismatch => {
            (Kind::Unsupported, "the peer speaks no version of QUIC that is spoken here".into())
        }
        ConnectionError::CidsExhausted => (Kind::Other, "no connection id is left".into()),
    };
    io::Error::new(kind, text)
}

/// The TLS alert that an error code stands for.
pub(crate) fn alert(code: TransportErrorCode) -> Option<rustls::AlertDescription> {
    let code = u64::from(code).checked_sub(u64::from(TransportErrorCode::crypto(0)))?;
    u8::try_from(code).ok().map(rustls::AlertDescription::from)
}
