//! Reads the files of a listener's TLS, and collects all that is wrong with them.

use super::{CertificateFiles, ClientAuth, ServerTlsConfig};
use crate::tls::mistake::{TlsFile, TlsMistake};
use crate::tls::peer_certificate::time;
use crate::tls::pem;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

/// Reads files and takes down what is wrong with them.
pub(super) struct Loader {
    pub(super) mistakes: Vec<TlsMistake>,
    pub(super) warnings: Vec<String>,
    now: SystemTime,
}

impl Loader {
    pub(super) fn new() -> Self {
        Self { mistakes: Vec::new(), warnings: Vec::new(), now: SystemTime::now() }
    }

    /// What `parse` makes of the file.
    fn file<T>(
        &mut self,
        file: TlsFile,
        path: &Path,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = pem::read(path).and_then(|bytes| parse(&bytes));
        parsed.map_err(|message| self.mistakes.push(TlsMistake::of(file, path, message))).ok()
    }

    /// The pairs that are whole.
    pub(super) fn certificates(
        &mut self,
        pairs: &[CertificateFiles],
        provider: &CryptoProvider,
    ) -> Vec<Arc<CertifiedKey>> {
        if pairs.is_empty() {
            let message = "TLS needs a certificate and its key";
            self.mistakes.push(TlsMistake::general(TlsFile::Certificates, message));
        }
        let mut certificates = Vec::new();
        for (index, pair) in pairs.iter().enumerate() {
            let chain = self.file(TlsFile::Certificate(index), &pair.cert, pem::certificates);
            let key = self.file(TlsFile::Key(index), &pair.key, pem::private_key);
            let (Some(chain), Some(key)) = (chain, key) else { continue };
            self.warn_of_age(&pair.cert, &chain);
            match pem::certified_key(chain, key, provider) {
                Ok(certificate) => certificates.push(Arc::new(certificate)),
                Err(message) => {
                    self.mistakes.push(TlsMistake::of(TlsFile::Key(index), &pair.key, message));
                }
            }
        }
        certificates
    }

    /// Who looks at the clients' certificates. `None` if there is something wrong with the CAs.
    pub(super) fn verifier(
        &mut self,
        config: &ServerTlsConfig,
        provider: &Arc<CryptoProvider>,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        let mut roots = RootCertStore::empty();
        for (index, path) in config.ca_certs.iter().enumerate() {
            let file = TlsFile::CaCertificate(index);
            let Some(certificates) = self.file(file, path, pem::certificates) else { continue };
            self.warn_of_age(path, &certificates);
            if let Err(message) = pem::add_roots(&mut roots, certificates) {
                self.mistakes.push(TlsMistake::of(file, path, message));
            }
        }
        let roots = Arc::new(roots);
        let builder = || WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
        let mut lists = Vec::new();
        for (index, path) in config.crls.iter().enumerate() {
            let file = TlsFile::RevocationList(index);
            let Some(of_file) = self.file(file, path, pem::revocation_lists) else { continue };
            self.warn_of_age_of_lists(path, &of_file);
            // Without a CA it would fail for that reason, which is told in its own place.
            if !roots.is_empty()
                && let Err(error) = builder().with_crls(of_file.iter().cloned()).build()
            {
                let message = format!("a revocation list in it is of no use: {error}");
                self.mistakes.push(TlsMistake::of(file, path, message));
                continue;
            }
            lists.extend(of_file);
        }
        if config.client_auth == ClientAuth::Off {
            return Some(WebPkiClientVerifier::no_client_auth());
        }
        if config.ca_certs.is_empty() {
            let message = "clients' certificates can't be verified without a CA";
            self.mistakes.push(TlsMistake::general(TlsFile::CaCertificates, message));
        }
        if roots.is_empty() {
            return None;
        }
        let mut verifier =
            builder().with_crls(lists).allow_unknown_revocation_status().enforce_revocation_expiration();
        if config.client_auth == ClientAuth::Optional {
            verifier = verifier.allow_unauthenticated();
        }
        let failed = |error: rustls::server::VerifierBuilderError| {
            self.mistakes.push(TlsMistake::general(TlsFile::CaCertificates, error.to_string()));
        };
        verifier.build().map_err(failed).ok()
    }

    fn warn_of_age(&mut self, path: &Path, certificates: &[CertificateDer<'_>]) {
        for certificate in certificates {
            let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { continue };
            let (validity, subject) = (parsed.validity(), parsed.subject());
            let path = path.display();
            if time(validity.not_after.timestamp()) < self.now {
                let when = validity.not_after;
                self.warnings.push(format!("{path}: the certificate of `{subject}` expired on {when}"));
            } else if time(validity.not_before.timestamp()) > self.now {
                let when = validity.not_before;
                self.warnings.push(format!("{path}: the certificate of `{subject}` is valid from {when} on"));
            }
        }
    }

    fn warn_of_age_of_lists(&mut self, path: &Path, lists: &[CertificateRevocationListDer<'_>]) {
        for list in lists {
            let Ok((_, parsed)) = CertificateRevocationList::from_der(list) else { continue };
            let Some(next) = parsed.next_update() else { continue };
            if time(next.timestamp()) < self.now {
                let (path, issuer) = (path.display(), parsed.issuer());
                self.warnings.push(format!(
                    "{path}: the revocation list of `{issuer}` expired on {next}; no client with a \
                     certificate from there gets in"
                ));
            }
        }
    }
}
