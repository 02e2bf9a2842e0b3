use super::material;
use super::mistake::{TlsFile, TlsMistake, TlsMistakes};
use super::peer_certificate::time;
use super::sni::ByName;
use super::{ALPN_HTTP, ALPN_LINK, TlsVersion, provider};
use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

/// A certificate with its chain, and its private key: PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and what leads from it to the CA.
    pub cert: PathBuf,
    /// Its key: PKCS#8, PKCS#1 or SEC1, without a passphrase.
    pub key: PathBuf,
}

/// Whether clients have to show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked for one.
    #[default]
    Off,
    /// They may; one that is shown must be valid.
    Optional,
    /// They must.
    Required,
}

/// What a listener's TLS is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerTlsConfig {
    /// One pair at least. Chosen by the name that a client asks for; the first is for all others.
    pub certs: Vec<CertificateFiles>,
    /// Whether clients have to show a certificate.
    pub client_auth: ClientAuth,
    /// The CAs of the clients' certificates: PEM bundles.
    pub ca_certs: Vec<PathBuf>,
    /// Revocation lists for the clients' certificates, PEM. They hold for the whole chain. A certificate
    /// on which none of them says anything is not revoked; a list that is past its time says so of none.
    pub crls: Vec<PathBuf>,
    /// The oldest version of TLS that is spoken.
    pub min_version: TlsVersion,
}

/// The server's side of TLS, for one listener or several. Clones are the same: what is reloaded in one
/// is so in all.
#[derive(Clone)]
pub struct ServerTls {
    current: Arc<ArcSwap<Loaded>>,
}

struct Loaded {
    config: ServerTlsConfig,
    rustls: Arc<ServerConfig>,
    warnings: Vec<String>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current.load().config.fmt(f)
    }
}

impl ServerTls {
    /// Reads and checks all the files. Blocks while it does.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(config: ServerTlsConfig) -> Result<Self, TlsMistakes> {
        Ok(Self { current: Arc::new(ArcSwap::from_pointee(Loaded::load(config)?)) })
    }

    /// Reads the files again. New connections see what is in them; those that stand, or whose handshake
    /// has begun, stay as they are. Blocks while it reads.
    ///
    /// # Errors
    /// Everything that is wrong with them; then nothing has changed.
    pub fn reload(&self) -> Result<(), TlsMistakes> {
        self.replace(self.current.load().config.clone())
    }

    /// As [`reload`](Self::reload), with other settings.
    ///
    /// # Errors
    /// Everything that is wrong with them; then nothing has changed.
    pub fn replace(&self, config: ServerTlsConfig) -> Result<(), TlsMistakes> {
        self.current.store(Arc::new(Loaded::load(config)?));
        Ok(())
    }

    /// Goes by what `other` has loaded from now on.
    pub fn adopt(&self, other: &Self) {
        self.current.store(other.current.load_full());
    }

    /// What is not wrong, but may surprise: certificates and revocation lists that are past their time.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.current.load().warnings.clone()
    }

    /// What a handshake that begins now goes by.
    #[must_use]
    pub fn rustls_config(&self) -> Arc<ServerConfig> {
        self.current.load().rustls.clone()
    }
}

impl Loaded {
    fn load(config: ServerTlsConfig) -> Result<Self, TlsMistakes> {
        let provider = provider();
        let mut reading = Reading { mistakes: Vec::new(), warnings: Vec::new(), now: SystemTime::now() };
        let certificates = reading.certificates(&config.certs, &provider);
        let verifier = reading.verifier(&config, &provider);
        let Reading { mistakes, warnings, .. } = reading;
        let by_name = ByName::new(certificates);
        let (Some(verifier), Some(by_name), true) = (verifier, by_name, mistakes.is_empty()) else {
            return Err(TlsMistakes(mistakes));
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(config.min_version.and_newer())
            .map_err(|error| {
                TlsMistakes(vec![TlsMistake::general(TlsFile::Certificates, error.to_string())])
            })?;
        let mut rustls = builder.with_client_cert_verifier(verifier).with_cert_resolver(Arc::new(by_name));
        rustls.alpn_protocols = vec![ALPN_LINK.to_vec(), ALPN_HTTP.to_vec()];
        rustls.session_storage = Arc::new(NoServerSessionStorage {});
        rustls.send_tls13_tickets = 0;
        Ok(Self { config, rustls: Arc::new(rustls), warnings })
    }
}

/// Reads files and takes down what is wrong with them.
struct Reading {
    mistakes: Vec<TlsMistake>,
    warnings: Vec<String>,
    now: SystemTime,
}

impl Reading {
    /// What `parse` makes of the file.
    fn file<T>(
        &mut self,
        file: TlsFile,
        path: &Path,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = material::read(path).and_then(|bytes| parse(&bytes));
        parsed.map_err(|message| self.mistakes.push(TlsMistake::of(file, path, message))).ok()
    }

    fn certificates(
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
            let chain = self.file(TlsFile::Certificate(index), &pair.cert, material::certificates);
            let key = self.file(TlsFile::Key(index), &pair.key, material::private_key);
            let (Some(chain), Some(key)) = (chain, key) else { continue };
            self.warn_of_age(&pair.cert, &chain);
            match material::certified_key(chain, key, provider) {
                Ok(certificate) => certificates.push(Arc::new(certificate)),
                Err(message) => {
                    self.mistakes.push(TlsMistake::of(TlsFile::Key(index), &pair.key, message));
                }
            }
        }
        certificates
    }

    fn verifier(
        &mut self,
        config: &ServerTlsConfig,
        provider: &Arc<CryptoProvider>,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        let mut roots = RootCertStore::empty();
        for (index, path) in config.ca_certs.iter().enumerate() {
            let file = TlsFile::CaCertificate(index);
            let Some(certificates) = self.file(file, path, material::certificates) else { continue };
            self.warn_of_age(path, &certificates);
            if let Err(message) = material::add_roots(&mut roots, certificates) {
                self.mistakes.push(TlsMistake::of(file, path, message));
            }
        }
        let roots = Arc::new(roots);
        let builder = || WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
        let mut lists = Vec::new();
        for (index, path) in config.crls.iter().enumerate() {
            let file = TlsFile::RevocationList(index);
            let Some(of_file) = self.file(file, path, material::revocation_lists) else { continue };
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
