//! Why `connect` failed, as users see it.

use crate::supervisor::AttemptError;
use frontier_protocol::{Code, EncodeError, Fault};
use frontier_transport::{
    ClientTlsError, DialError, Downgrade, EndpointError, HandshakeError, HeaderError, ProxyUrlError,
    ProxyVariableError,
};
use std::time::Duration;
use thiserror::Error;

/// Why a client could not connect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A URL names no endpoint.
    #[error(transparent)]
    Url(#[from] EndpointError),
    /// A URL names no frontlas, where one should.
    #[cfg(feature = "cluster")]
    #[error(
        "`{0}` names no frontlas; write it as http://host:port or https://host:port, for an edge as frontlas://host:port or frontlas+https://host:port"
    )]
    Frontlas(String),
    /// A gateway that frontlas lists is without TLS, though frontlas itself, or that gateway before, is reached over it.
    #[error(transparent)]
    Downgrade(#[from] Downgrade),
    /// The URL that the builder's `proxy` was given names no proxy.
    #[error("the builder's proxy: {0}")]
    Proxy(ProxyUrlError),
    /// A variable of the environment names no proxy, and one would be needed.
    #[error(transparent)]
    ProxyVariable(#[from] ProxyVariableError),
    /// The builder's `proxy` can't carry what this URL asks for.
    #[error(
        "`{0}` can't be reached through a proxy, which carries TCP and not QUIC: dial it with wss or tls, or without a proxy"
    )]
    ProxyOverQuic(String),
    /// A header for WebSocket requests can't be sent.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The TLS settings are of no use: such as a file that is not there.
    #[error("the TLS settings are wrong: {0}")]
    Tls(ClientTlsError),
    /// The name, a topic, a method, the meta or the token is longer than a hello carries.
    #[error(transparent)]
    TooLong(EncodeError),
    /// The gateway refuses this client, and would do so again.
    #[error("refused by the gateway: {code}: {text}")]
    Refused {
        /// Why.
        code: Code,
        /// Why, in words.
        text: String,
    },
    /// No attempt went well within the time given.
    #[error("no connection within {after:?}; the last attempt: {last}")]
    Timeout {
        /// The time given.
        after: Duration,
        /// How the last attempt went.
        last: String,
        /// How long the gateway wants to be left alone, if it has said so.
        retry_after: Option<Duration>,
    },
}

impl ConnectError {
    /// The code that stands for it.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Url(_) | Self::Tls(_) | Self::Downgrade(_) => Code::Denied,
            Self::Proxy(_) | Self::ProxyVariable(_) | Self::ProxyOverQuic(_) | Self::Header(_) => {
                Code::Denied
            }
            #[cfg(feature = "cluster")]
            Self::Frontlas(_) => Code::Denied,
            Self::TooLong(_) => Code::TooLarge,
            Self::Refused { code, .. } => *code,
            Self::Timeout { .. } => Code::Deadline,
        }
    }

    /// Whether connecting in the same way may go well later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.code().is_retryable()
    }

    /// How long to wait before connecting again, if a gateway that was overloaded has said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Timeout { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.code().fault()
    }

    pub(crate) fn timeout(after: Duration, last: Option<&AttemptError>) -> Self {
        let retry_after = last.and_then(AttemptError::retry_after);
        let last = last.map_or_else(|| "still under way".to_owned(), ToString::to_string);
        Self::Timeout { after, last, retry_after }
    }

    pub(crate) fn refused(error: AttemptError) -> Self {
        match error {
            AttemptError::Handshake(HandshakeError::TooLong(error)) => Self::TooLong(error),
            AttemptError::Handshake(HandshakeError::Dial(DialError::TlsSettings(error))) => Self::Tls(error),
            AttemptError::Handshake(HandshakeError::Dial(DialError::ProxyVariable(error))) => {
                Self::ProxyVariable(error)
            }
            error => match error.refusal() {
                Some((code, text)) => Self::Refused { code, text },
                None => Self::Refused { code: Code::Disconnected, text: error.to_string() },
            },
        }
    }
}
