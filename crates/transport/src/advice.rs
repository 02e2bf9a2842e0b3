//! What to do about a connection that does not come about.

use crate::tls::TlsError;
use crate::{DialError, HandshakeError, UpgradeError};
use frontier_protocol::Code;
use std::io;

impl HandshakeError {
    /// What whoever runs the dialler should look at first, in words.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Dial(error) => error.advice(),
            Self::Timeout { .. } | Self::Link(_) => {
                "see that the URL's port and scheme are those of one listener of a gateway: tcp or ws for one without TLS, tls, wss or quic for one with it"
            }
            Self::TooLong(_) => "shorten the name, the meta, the topics or the token",
            Self::Rejected(rejection) => match rejection.code {
                Code::Unauthenticated => {
                    "present the credentials that the text names: a token, or a certificate in the TLS settings"
                }
                _ => "the text says why; the other end's log may say more",
            },
            Self::Welcome(_) => "see that both ends have versions that go together",
        }
    }
}

impl HandshakeError {
    /// The same where it is frontlas that a gateway dials.
    #[must_use]
    pub fn advice_about_frontlas(&self) -> &'static str {
        const PORT: &str = "see that the port is that of frontlas for gateways (frontier_plane.listen, 40012), and that frontlas.dial.tls says whether it has TLS";
        match self {
            Self::Timeout { .. }
            | Self::Link(_)
            | Self::Dial(DialError::Link(_) | DialError::Silent { .. }) => PORT,
            Self::Dial(DialError::Connect { source, .. })
                if source.kind() == io::ErrorKind::ConnectionRefused =>
            {
                "see that frontlas runs, and listens on this port for gateways"
            }
            Self::Dial(DialError::Tls {
                source: TlsError::NotTls(_) | TlsError::Ended(_) | TlsError::Io(_),
                ..
            }) => PORT,
            Self::TooLong(_) => "shorten the gateway's id or the token",
            Self::Rejected(rejection) if rejection.code == Code::Unauthenticated => {
                "present the credentials that the text names: a token (frontlas.dial.token_file), or a certificate (frontlas.dial.tls)"
            }
            _ => self.advice(),
        }
    }
}

impl DialError {
    fn advice(&self) -> &'static str {
        match self {
            Self::Connect { source, .. } => match source.kind() {
                io::ErrorKind::ConnectionRefused => "see that the gateway runs, and listens on this port",
                _ => {
                    "see that the host's name and port are right, and that the network lets one through to it"
                }
            },
            Self::Lookup { .. } => "see that the host's name is right, and that the DNS servers answer",
            Self::Proxy { .. } => {
                "see that the proxy in the settings, HTTPS_PROXY or ALL_PROXY is the right one and lets one through to this host and port; NO_PROXY names what needs none"
            }
            Self::ProxyVariable(_) => "mend the variable, or list in NO_PROXY what needs no proxy",
            Self::ProxyOverQuic(_) => "dial a wss or tls listener of the gateway, or name no proxy",
            Self::Silent { .. } => {
                "see that the port is that of a gateway, with TLS or WebSocket as the scheme says, and that the gateway is not stuck"
            }
            Self::TlsSettings(_) => "mend the TLS settings",
            Self::Tls { source, .. } => of_tls(source),
            Self::Upgrade { source: UpgradeError::Tls, .. } => "the listener has TLS: dial it with wss",
            Self::Upgrade { .. } => "see that the port and the path are those of a WebSocket listener",
            Self::Link(_) => "see that the scheme is that of the listener: tls instead of tcp if it has TLS",
        }
    }
}

fn of_tls(error: &TlsError) -> &'static str {
    match error {
        TlsError::UnknownCa(_) => "name the CA that signed the server's certificate in the TLS settings",
        TlsError::Expired(_) | TlsError::NotYetValid(_) => {
            "have the server's certificate renewed, or set this machine's clock"
        }
        TlsError::WrongName { .. } => {
            "dial a name that is in the certificate, or set the server's name in the TLS settings"
        }
        TlsError::NotTls(_) | TlsError::Ended(_) | TlsError::Io(_) => {
            "see whether the listener has TLS: if not, dial it with tcp or ws"
        }
        TlsError::NoProtocol(_) => {
            "a terminator in front of the gateway knows only some application protocols: have the TLS settings offer one of those (`alpn`), or none, or dial wss, to a WebSocket listener"
        }
        TlsError::NoCertificate | TlsError::Refused(..) => {
            "see that the TLS settings have a certificate that the server takes; its log may say more"
        }
        _ => "see that the certificates and the TLS settings of both ends go together",
    }
}
