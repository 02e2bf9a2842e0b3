//! What can be asked of a server's TLS beside a handshake.

use super::{ClientAuth, ServerTls, ServerTlsConfig};
use crate::tls::{Party, TlsError};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use std::path::PathBuf;
use std::time::SystemTime;

impl ServerTls {
    /// The files that were read: those to watch.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let ServerTlsConfig { certs, ca_certs, crls, .. } = &self.current.load().config;
        let pairs = certs.iter().flat_map(|pair| [&pair.cert, &pair.key]);
        pairs.chain(ca_certs).chain(crls).cloned().collect()
    }

    /// Whether a client that dials `host` is shown a certificate for it.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let Ok(name) = ServerName::try_from(host) else { return false };
        let loaded = self.current.load();
        loaded.leaves.iter().any(|leaf| {
            let parsed = ParsedCertificate::try_from(leaf);
            parsed.is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
        })
    }

    /// Whether clients have to show a certificate.
    #[must_use]
    pub fn client_auth(&self) -> ClientAuth {
        self.current.load().config.client_auth
    }

    /// Whether a client that presented `chain` would get through a handshake at `now`: by the CAs and
    /// revocation lists of today, not by those of its own handshake. The chain is DER, the client's own
    /// certificate first; empty if it presented none.
    ///
    /// # Errors
    /// What would be wrong with it.
    pub fn check_client(&self, chain: &[&[u8]], now: SystemTime) -> Result<(), TlsError> {
        let loaded = self.current.load();
        let Some((certificate, intermediates)) = chain.split_first() else {
            return match loaded.config.client_auth {
                ClientAuth::Required => Err(TlsError::NoCertificate),
                ClientAuth::Off | ClientAuth::Optional => Ok(()),
            };
        };
        if loaded.config.client_auth == ClientAuth::Off {
            return Ok(());
        }
        let intermediates: Vec<_> = intermediates.iter().map(|der| CertificateDer::from(*der)).collect();
        let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let verified =
            loaded.verifier.verify_client_cert(&CertificateDer::from(*certificate), &intermediates, now);
        verified.map(drop).map_err(|error| TlsError::new(&error, Party::Client))
    }
}
