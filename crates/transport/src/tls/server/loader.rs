//! Reads the files of a listener's TLS, and collects all that is wrong with them.

use super::client_verifier::ClientVerifier;
use super::revocation::{RevocationList, Revocations};
use super::{CertificateFiles, ClientAuth, ServerTlsConfig};
use crate::tls::KeyDigest;
use crate::tls::expiry::{Lifetime, LifetimeKind};
use crate::tls::judge;
use crate::tls::mistake::{TlsFile, TlsMistake};
use crate::tls::pem::{self, Bundle, PairMistake};
use crate::tls::words;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};

/// Reads files and takes down what is wrong with them.
pub(super) struct Loader {
    pub(super) mistakes: Vec<TlsMistake>,
    pub(super) warnings: Vec<String>,
    /// Of the first key.
    pub(super) key: Option<KeyDigest>,
    pub(super) lifetimes: Vec<Lifetime>,
    pub(super) revocations: Option<Arc<Revocations>>,
    now: SystemTime,
}

impl Loader {
    pub(super) fn new() -> Self {
        let (mistakes, warnings, key, lifetimes, revocations) = Default::default();
        Self { mistakes, warnings, key, lifetimes, revocations, now: SystemTime::now() }
    }

    /// What `parse` makes of the file.
    fn file<T>(
        &mut self,
        file: TlsFile,
        path: &Path,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = pem::read_regular(path).and_then(|bytes| parse(&bytes));
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
            self.key.get_or_insert_with(|| KeyDigest::of(key.secret_der()));
            for reason in judge::chain(&chain, provider, self.now) {
                self.warnings.push(format!("{}: {reason}", pair.cert.display()));
            }
            self.date(&pair.cert, LifetimeKind::Certificate, &chain);
            match pem::certified_key(chain, key, provider) {
                Ok(certificate) => certificates.push(Arc::new(certificate)),
                Err(PairMistake::Certificate(message)) => {
                    self.mistakes.push(TlsMistake::of(TlsFile::Certificate(index), &pair.cert, message));
                }
                Err(PairMistake::Key(message)) => {
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
        let (mut roots, mut cas) = (RootCertStore::empty(), Vec::new());
        for (index, path) in config.ca_certs.iter().enumerate() {
            let file = TlsFile::CaCertificate(index);
            let Some(bundle) = self.file(file, path, pem::bundle) else { continue };
            self.warn_of_cas(path, &bundle);
            self.date(path, LifetimeKind::Authority, &bundle.certificates);
            cas.extend(bundle.certificates.iter().cloned());
            roots.add_parsable_certificates(bundle.certificates);
        }
        let roots = Arc::new(roots);
        let mut lists = Vec::new();
        for (index, path) in config.crls.iter().enumerate() {
            let file = TlsFile::RevocationList(index);
            let Some(of_file) = self.file(file, path, pem::revocation_lists) else { continue };
            for list in of_file {
                match RevocationList::parse(file, path, list) {
                    Ok(list) => lists.push(list),
                    Err(reason) => {
                        let message = format!("a revocation list in it is of no use: {reason}");
                        self.mistakes.push(TlsMistake::of(file, path, message));
                    }
                }
            }
        }
        let (revocations, left_out, useless) = Revocations::new(lists, provider.clone()).sort_out(&cas);
        self.warnings.extend(left_out);
        self.mistakes.extend(useless);
        self.warn_of_age_of_lists(&revocations);
        let revocations = Arc::new(revocations);
        self.revocations = Some(revocations.clone());
        if config.client_auth == ClientAuth::Off {
            for (key, files) in [("ca_certs", &config.ca_certs), ("crls", &config.crls)] {
                if !files.is_empty() {
                    self.warnings.push(format!(
                        "`{key}` is not used: clients are asked for no certificate, as `mtls` is `false`"
                    ));
                }
            }
            return Some(WebPkiClientVerifier::no_client_auth());
        }
        if config.ca_certs.is_empty() {
            let message = "clients' certificates can't be verified without a CA";
            self.mistakes.push(TlsMistake::general(TlsFile::CaCertificates, message));
        }
        if roots.is_empty() {
            return None;
        }
        let mut verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
        if config.client_auth == ClientAuth::Optional {
            verifier = verifier.allow_unauthenticated();
        }
        let failed = |error: VerifierBuilderError| {
            self.mistakes.push(TlsMistake::general(TlsFile::CaCertificates, words::plain(&error)));
        };
        let inner = verifier.build().map_err(failed).ok()?;
        Some(Arc::new(ClientVerifier { inner, roots, revocations, provider: provider.clone() }))
    }

    fn date(&mut self, path: &Path, kind: LifetimeKind, certificates: &[CertificateDer<'_>]) {
        let lifetimes = certificates.iter().filter_map(|der| Lifetime::of_certificate(path, kind, der));
        self.lifetimes.extend(lifetimes);
    }

    fn warn_of_cas(&mut self, path: &Path, bundle: &Bundle) {
        let path = path.display();
        for reason in &bundle.unusable {
            self.warnings.push(format!("{path}: left out: {reason}"));
        }
        for certificate in &bundle.certificates {
            let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { continue };
            self.warnings.extend(judge::age(&parsed, self.now).map(|reason| format!("{path}: {reason}")));
            if parsed.version() == X509Version::V3 && !judge::is_ca(&parsed) {
                let subject = parsed.subject();
                self.warnings.push(format!(
                    "{path}: the certificate of `{subject}` is no CA's, and who has its key can sign clients' \
                     certificates for here"
                ));
            }
        }
    }

    fn warn_of_age_of_lists(&mut self, revocations: &Revocations) {
        for list in revocations.iter().filter(|list| list.expires < self.now) {
            let (path, issuer, next) = (list.path.display(), &list.issuer, &list.next_update);
            self.warnings.push(format!(
                "{path}: the revocation list of `{issuer}` expired on {next}; no client with a \
                 certificate from there gets in"
            ));
        }
    }
}
