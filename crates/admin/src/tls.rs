//! TLS of a server: the section, the files that it names, and what of them is in use.

use frontier_config::{Choice, Section};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The section `tls` of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// PEM: the certificate, and the intermediates between it and its CA.
    pub cert: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
    /// PEM bundles: the CAs of the certificates that clients present; empty if they are asked for none.
    pub client_ca_certs: Vec<PathBuf>,
    /// Whether they may show none. One that is shown must be valid in any case.
    pub optional_client: bool,
}

/// What clients must show, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certificate {
    Optional,
    Required,
}

/// The word for it.
#[derive(Clone, Copy, Debug)]
struct Mtls(Option<Certificate>);

impl Choice for Mtls {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("false", Self(None)),
        ("optional", Self(Some(Certificate::Optional))),
        ("true", Self(Some(Certificate::Required))),
        ("off", Self(None)),
        ("required", Self(Some(Certificate::Required))),
    ];
}

/// Why the files can't be used. One line, which names the file and repeats nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or does not contain what it should.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not belong together, or can't be used.
    #[error("the certificate and key can't be used: {0}")]
    Unusable(String),
}

impl TlsConfig {
    /// `None` unless it is enabled. The other keys are checked all the same. Whether it is takes a restart, all else
    /// a reload.
    #[must_use]
    pub fn read(tls: &Section<'_>) -> Option<Self> {
        let enable = tls.fixed().get("enable", false);
        let tls = &tls.reloadable();
        let path = |pair: &Section<'_>, key| pair.required(key, PathBuf::new());
        let pairs = tls.sections("certs");
        let pairs: Vec<_> = pairs.iter().map(|pair| (path(pair, "cert"), path(pair, "key"))).collect();
        let Mtls(mtls) = tls.get("mtls", Mtls(None));
        let ca_certs: Vec<PathBuf> = tls.list("ca_certs", Vec::new());
        if tls.get("insecure_skip_verify", false) {
            // As at the other listeners: older files have it.
            tls.reject(
                "insecure_skip_verify",
                "means nothing for a listener; clients are verified by `mtls`",
            );
        }
        if enable && pairs.len() != 1 {
            tls.reject("certs", "needs one pair of cert and key with `enable: true`");
        }
        if let (Some(certificate), true) = (mtls, ca_certs.is_empty()) {
            let word = if certificate == Certificate::Required { "true" } else { "optional" };
            tls.reject("ca_certs", format!("is required with `mtls: {word}`"));
        }
        let (cert, key) = pairs.into_iter().next()?;
        let client_ca_certs = if mtls.is_some() { ca_certs } else { Vec::new() };
        let optional_client = mtls == Some(Certificate::Optional);
        enable.then_some(Self { cert, key, client_ca_certs, optional_client })
    }

    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.cert, &self.key].into_iter().chain(&self.client_ca_certs).map(PathBuf::as_path)
    }

    /// Where in the section the file is named of which an error of [`load`](Self::load) speaks.
    #[must_use]
    pub fn key_of(&self, error: &TlsError) -> &'static str {
        match error {
            TlsError::File { path, .. } if *path == self.cert => "certs[0].cert",
            TlsError::File { path, .. } if *path == self.key => "certs[0].key",
            TlsError::File { .. } => "ca_certs",
            TlsError::Unusable(_) => "certs",
        }
    }

    /// Reads the files. Blocks while it does.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = certificates(&self.cert)?;
        let key = private_key(&self.key)?;
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
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match self.optional_client {
                true => verifier.allow_unauthenticated(),
                false => verifier,
            };
            builder.with_client_cert_verifier(verifier.build().map_err(unusable)?)
        };
        let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// The TLS of a running server, as far as it can be changed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LiveTls(watch::Sender<Arc<ServerConfig>>);

impl LiveTls {
    pub(crate) fn new(loaded: Arc<ServerConfig>) -> Self {
        Self(watch::Sender::new(loaded))
    }

    /// Has connections that come from now on use this, which [`TlsConfig::load`] gave. Those that are there stay.
    pub fn replace(&self, loaded: Arc<ServerConfig>) {
        self.0.send_replace(loaded);
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.0.borrow().clone().into()
    }
}

/// Reads a PEM file with at least one certificate. Blocks while it does.
///
/// # Errors
/// [`TlsError::File`].
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| file(path, &error))?;
    if found.is_empty() {
        return Err(file(path, &"there is no certificate in it"));
    }
    Ok(found)
}

/// Reads a PEM file with a private key. Blocks while it does.
///
/// # Errors
/// [`TlsError::File`].
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| file(path, &error))
}

fn file(path: &Path, reason: &impl ToString) -> TlsError {
    TlsError::File { path: path.to_owned(), reason: reason.to_string() }
}

fn unusable(reason: impl ToString) -> TlsError {
    TlsError::Unusable(reason.to_string())
}
