//! TLS: who the gateway and its clients say that they are, and the stream between them.
//!
//! ```text
//!   files ─▶ ServerTls ─▶ a fresh session per connection ─▶ handshake ─▶ TlsStream
//!   files ─▶ ClientTls ─▶   (read again each time)       ─▶ handshake ─▶ TlsStream
//! ```
//!
//! No session is ever resumed: each connection is a full handshake, in which certificates are looked at
//! and revocation lists hold. Connections are long-lived here, so there is little to be saved.

mod any_certificate;
mod client;
mod error;
mod expiry;
mod expiry_log;
mod handshake;
mod judge;
mod key_digest;
mod mistake;
mod peer_certificate;
mod pem;
#[cfg(feature = "config")]
mod section;
mod server;
mod session;
mod sni;
mod stream;
mod words;

pub use client::{ClientFile, ClientTls, ClientTlsError};
pub use error::{Party, TlsError};
pub use expiry::{Lifetime, LifetimeKind};
pub use expiry_log::{ExpiryLog, Lifetimes};
pub use mistake::{TlsFile, TlsMistake, TlsMistakes};
pub use peer_certificate::PeerCertificate;
#[cfg(feature = "config")]
pub use section::{read_server_tls, reject_client_files};
pub use server::{CertificateFiles, ClientAuth, ServerTls, ServerTlsConfig};

pub(crate) use handshake::{
    Accepted, Alpn, accept, connect, first_byte, peer_certificate, starts_with_letter,
};
pub(crate) use key_digest::KeyDigest;
pub(crate) use stream::TlsStream;

/// The stream of a client that a listener has accepted.
pub(crate) type ServerStream = TlsStream<UnbufferedServerConnection, RoamingTcp>;

use crate::roaming_tcp::RoamingTcp;
use rustls::crypto::CryptoProvider;
use rustls::server::UnbufferedServerConnection;
use std::sync::{Arc, LazyLock};

/// The application protocol of a link, mux and lane, as ALPN has it.
pub const ALPN_LINK: &[u8] = b"frontier/1";

/// The application protocol in which a WebSocket starts.
pub(crate) const ALPN_HTTP: &[u8] = b"http/1.1";

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 and 1.3.
    #[default]
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
}

impl TlsVersion {
    fn and_newer(self) -> &'static [&'static rustls::SupportedProtocolVersion] {
        use rustls::version::{TLS12, TLS13};
        static ALL: [&rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Self::Tls12 => &ALL,
            Self::Tls13 => &ALL[..1],
        }
    }
}

/// The cryptography of every TLS connection, QUIC's included: AWS-LC, which puts the hybrid key exchange
/// X25519MLKEM768 first. The one place that names it.
#[must_use]
pub fn crypto_provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    PROVIDER.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::NamedGroup;

    #[test]
    fn the_post_quantum_key_exchange_is_offered_first() {
        let groups = Vec::from_iter(crypto_provider().kx_groups.iter().map(|group| group.name()));
        assert_eq!(groups.first(), Some(&NamedGroup::X25519MLKEM768), "{groups:?}");
        assert!(groups.contains(&NamedGroup::X25519), "{groups:?}");
    }
}
