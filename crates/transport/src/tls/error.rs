//! Why a TLS connection failed, from our own errors and from the peer's alerts.

use super::server::RevocationListExpired;
use super::words;
use rustls::{AlertDescription, CertificateError, OtherError};
use std::fmt;
use std::io;
use thiserror::Error;

/// One end of a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Who dials.
    Client,
    /// Who is dialled.
    Server,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// Why a TLS connection did not come about, or broke.
///
/// The party that a variant carries is the one at the other end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TlsError {
    /// No CA that is trusted here has signed the peer's certificate.
    #[error("the {0}'s certificate is not signed by a CA that is trusted here")]
    UnknownCa(Party),
    /// The peer's certificate, or one above it, is past its time.
    #[error("the {0}'s certificate has expired")]
    Expired(Party),
    /// The peer's certificate, or one above it, is before its time; or a clock is wrong.
    #[error("the {0}'s certificate is not valid yet")]
    NotYetValid(Party),
    /// A revocation list names the peer's certificate, or one above it.
    #[error("the {0}'s certificate is revoked")]
    Revoked(Party),
    /// A revocation list is past its time, so nobody knows what is revoked.
    #[error("the revocation list for the {0}'s certificate has expired")]
    RevocationListExpired(Party),
    /// The server's certificate is for other names.
    #[error("the server's certificate is for {presented}, not for {expected}")]
    WrongName {
        /// Who was dialled.
        expected: String,
        /// Whom the certificate names.
        presented: String,
    },
    /// The peer's certificate may not be used for this.
    #[error("the {0}'s certificate is not meant for a {0}")]
    WrongPurpose(Party),
    /// The peer's certificate is wrong in another way.
    #[error("the {0}'s certificate is not valid: {1}")]
    Certificate(Party, String),
    /// A certificate is required, and the client has shown none.
    #[error("the client has shown no certificate")]
    NoCertificate,
    /// What came is no TLS.
    #[error("the {0} does not speak TLS")]
    NotTls(Party),
    /// There is no version, cipher or the like that both sides allow.
    #[error("no TLS parameters in common with the {0}: {1}")]
    Incompatible(Party, String),
    /// The peer speaks TLS, and within it none of the application protocols that are served here (ALPN).
    #[error("the {0} speaks none of the application protocols that are served here (ALPN)")]
    OtherProtocol(Party),
    /// The peer takes none of the application protocols that it was offered (ALPN).
    #[error("the {0} takes none of the application protocols that it was offered (ALPN)")]
    NoProtocol(Party),
    /// The peer has ended the connection with a reason.
    #[error("the {0} refused: {1}")]
    Refused(Party, String),
    /// The peer has ended the connection without a word.
    #[error("the {0} ended the connection during the TLS handshake")]
    Ended(Party),
    /// The connection broke.
    #[error("{0}")]
    Io(String),
    /// The peer broke the rules of TLS.
    #[error("the {0} violated the TLS protocol: {1}")]
    Broken(Party, String),
}

impl TlsError {
    pub(crate) fn new(error: &rustls::Error, peer: Party) -> Self {
        use rustls::Error;
        match error {
            Error::InvalidCertificate(error) => Self::certificate(error, peer),
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::AlertReceived(alert) => Self::received_alert(*alert, peer),
            Error::InvalidMessage(
                rustls::InvalidMessage::InvalidContentType
                | rustls::InvalidMessage::UnknownProtocolVersion
                | rustls::InvalidMessage::MessageTooLarge
                | rustls::InvalidMessage::InvalidEmptyPayload,
            ) => Self::NotTls(peer),
            Error::PeerIncompatible(reason) => Self::Incompatible(peer, incompatibility(reason)),
            Error::NoApplicationProtocol => Self::OtherProtocol(peer),
            other => Self::Broken(peer, words::of_breach(other)),
        }
    }

    /// Why the handshake of a stream failed that another library has made of rustls.
    #[must_use]
    pub fn of_handshake(error: &io::Error, peer: Party) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(inner) => Self::new(inner, peer),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Ended(peer),
            None => Self::Io(error.to_string()),
        }
    }

    /// Whether a client was refused for its certificate, or for showing none.
    #[must_use]
    pub fn is_of_client_certificate(&self) -> bool {
        match self {
            Self::NoCertificate => true,
            Self::UnknownCa(peer)
            | Self::Expired(peer)
            | Self::NotYetValid(peer)
            | Self::Revoked(peer)
            | Self::RevocationListExpired(peer)
            | Self::WrongPurpose(peer)
            | Self::Certificate(peer, _) => *peer == Party::Client,
            _ => false,
        }
    }

    /// The peer has ended the handshake with this alert.
    pub(crate) fn received_alert(alert: AlertDescription, peer: Party) -> Self {
        match alert {
            AlertDescription::NoApplicationProtocol => Self::NoProtocol(peer),
            alert => Self::Refused(peer, refusal(alert)),
        }
    }

    /// We have ended the handshake with this alert, for a reason of which only the text is left, as over
    /// QUIC.
    pub(crate) fn sent_alert(alert: AlertDescription, reason: &str, peer: Party) -> Self {
        match alert {
            AlertDescription::UnknownCA => Self::UnknownCa(peer),
            // One alert for both ends of its time.
            AlertDescription::CertificateExpired if reason.contains("not valid yet") => {
                Self::NotYetValid(peer)
            }
            AlertDescription::CertificateExpired => Self::Expired(peer),
            AlertDescription::CertificateRevoked => Self::Revoked(peer),
            AlertDescription::CertificateRequired => Self::NoCertificate,
            AlertDescription::NoApplicationProtocol => Self::OtherProtocol(peer),
            AlertDescription::UnsupportedCertificate => Self::WrongPurpose(peer),
            AlertDescription::CertificateUnknown if reason.contains("RevocationListExpired") => {
                Self::RevocationListExpired(peer)
            }
            AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
                let reason = reason.rsplit("invalid peer certificate: ").next().unwrap_or(reason);
                let mut names = reason.split('"').skip(1).step_by(2);
                match names.next().filter(|_| reason.contains("not valid for name")) {
                    Some(expected) => Self::WrongName {
                        expected: expected.to_owned(),
                        presented: all_of(names.map(str::to_owned).collect()),
                    },
                    None => Self::Certificate(peer, words::of_text(reason)),
                }
            }
            AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
                Self::Incompatible(peer, reason.to_owned())
            }
            _ => Self::Broken(peer, reason.to_owned()),
        }
    }

    fn certificate(error: &CertificateError, peer: Party) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownCa(peer),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired(peer),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid(peer)
            }
            CertificateError::Revoked => Self::Revoked(peer),
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => Self::RevocationListExpired(peer),
            CertificateError::NotValidForNameContext { expected, presented } => {
                let presented = all_of(presented.iter().map(|name| bare(name).to_owned()).collect());
                Self::WrongName { expected: expected.to_str().into_owned(), presented }
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::WrongPurpose(peer)
            }
            CertificateError::Other(OtherError(error)) if error.is::<RevocationListExpired>() => {
                Self::RevocationListExpired(peer)
            }
            other => Self::Certificate(peer, words::of_certificate(other)),
        }
    }

    /// As the error of a stream. What the peer may say is not taken for a breach of the link's rules.
    pub(super) fn into_io(self) -> io::Error {
        let kind = match self {
            Self::NotTls(_) | Self::Broken(..) => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::PermissionDenied,
        };
        io::Error::new(kind, self)
    }
}

fn all_of(names: Vec<String>) -> String {
    if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") }
}

/// The name in what is printed of it, such as `DnsName("gateway.example")` or `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.split('"').nth(1).unwrap_or(inner)
}

/// What a peer says with an alert, in the words of the side that is told.
fn refusal(alert: AlertDescription) -> String {
    let text = match alert {
        AlertDescription::CertificateRevoked => "our certificate is revoked",
        AlertDescription::CertificateExpired => "our certificate has expired, or is not valid yet",
        AlertDescription::UnknownCA => "our certificate is not signed by a CA that is trusted there",
        AlertDescription::CertificateRequired => "we have shown no certificate, and one is required",
        AlertDescription::BadCertificate => "our certificate is not valid there, or not for its name",
        AlertDescription::UnsupportedCertificate => "our certificate is not meant for this",
        AlertDescription::CertificateUnknown => "our certificate is not accepted there",
        AlertDescription::AccessDenied => "access is denied",
        AlertDescription::ProtocolVersion => "our version of TLS is not spoken there",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it has no version, cipher or kind of certificate in common with us"
        }
        AlertDescription::UnrecognisedName => "it has no certificate for the name that we asked for",
        other => return format!("TLS alert: {}", words::plain(&other)),
    };
    text.to_owned()
}

fn incompatibility(reason: &rustls::PeerIncompatible) -> String {
    use rustls::PeerIncompatible as Reason;
    let text = match reason {
        Reason::Tls12NotOffered
        | Reason::Tls12NotOfferedOrEnabled
        | Reason::Tls13RequiredForQuic
        | Reason::SupportedVersionsExtensionRequired
        // Those before 1.2 name none.
        | Reason::SignatureAlgorithmsExtensionRequired
        | Reason::ServerTlsVersionIsDisabledByOurConfig
        | Reason::ServerDoesNotSupportTls12Or13 => "no version of TLS that is allowed here",
        Reason::NoCipherSuitesInCommon => "no cipher suite",
        Reason::NoKxGroupsInCommon | Reason::NoEcPointFormatsInCommon => "no key exchange",
        Reason::NoSignatureSchemesInCommon | Reason::NoCertificateRequestSignatureSchemesInCommon => {
            "no kind of signature"
        }
        other => return words::plain(other),
    };
    text.to_owned()
}
