//! TLS of the control plane.

use frontier_daemon::config::Section;
use frontier_transport::crypto_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The section `tls` of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// PEM: the certificate and what leads from it to its CA.
    pub cert: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
    /// PEM bundles: who signs the certificates that clients must show; empty if they need none.
    pub client_ca_certs: Vec<PathBuf>,
}

/// Why there is no TLS. One line, which names the file and repeats nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or has not in it what it should.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not fit, or can't be used.
    #[error("the certificate and key can't be used: {0}")]
    Unusable(String),
}

impl Tls {
    /// `None` unless it is enabled. Asks for all keys all the same: what is written is checked.
    pub(super) fn read(tls: &Section<'_>) -> Option<Self> {
        let enable = tls.get("enable", false);
        let path = |pair: &Section<'_>, key| pair.required(key, PathBuf::new());
        let pairs = tls.sections("certs");
        let pairs: Vec<_> = pairs.iter().map(|pair| (path(pair, "cert"), path(pair, "key"))).collect();
        let mtls = tls.get("mtls", false);
        let ca_certs: Vec<PathBuf> = tls.list("ca_certs", Vec::new());
        if enable && pairs.len() != 1 {
            tls.reject("certs", "needs one pair of cert and key with `enable: true`");
        }
        if mtls && ca_certs.is_empty() {
            tls.reject("ca_certs", "is required with `mtls: true`");
        }
        let (cert, key) = pairs.into_iter().next()?;
        let client_ca_certs = if mtls { ca_certs } else { Vec::new() };
        enable.then_some(Self { cert, key, client_ca_certs })
    }

    /// Reads the files. Blocks while it does.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = crypto_provider();
        let chain = certificates(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| file(&self.key, &error))?;
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = if self.client_ca_certs.is_empty() {
            builder.with_no_client_auth()
        } else {
            let mut roots = RootCertStore::empty();
            for path in &self.client_ca_certs {
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|error| file(path, &error))?;
                }
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(unusable)?)
        };
        let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| file(path, &error))?;
    if found.is_empty() {
        return Err(file(path, &"there is no certificate in it"));
    }
    Ok(found)
}

fn file(path: &Path, reason: &impl ToString) -> TlsError {
    TlsError::File { path: path.to_owned(), reason: reason.to_string() }
}

fn unusable(reason: impl ToString) -> TlsError {
    TlsError::Unusable(reason.to_string())
}
