//! The certificates of listeners, which can be replaced under way.

mod client_verifier;
mod inspect;
mod loader;
mod revocation;

pub(super) use client_verifier::RevocationListExpired;

use super::expiry::{self, Lifetime};
use super::mistake::{TlsFile, TlsMistake, TlsMistakes};
use super::sni::SniResolver;
use super::{KeyDigest, TlsVersion, crypto_provider};
use arc_swap::ArcSwap;
use loader::Loader;
use revocation::{RevocationList, Revocations};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

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
    /// Revocation lists for the clients' certificates, PEM. They hold for the whole chain. Of each CA key the newest
    /// list that it has signed counts. A certificate on which none of them says anything is not revoked; a list that is
    /// past its time says so of none.
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
    verifier: Arc<dyn ClientCertVerifier>,
    warnings: Vec<String>,
    key: KeyDigest,
    /// The certificates themselves, without those above them.
    leaves: Vec<CertificateDer<'static>>,
    /// From when to when all certificates are good, those of the CAs too.
    lifetimes: Vec<Lifetime>,
    /// The lists by which clients are judged, if there are any.
    revocations: Option<Arc<Revocations>>,
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

    /// What keeps nothing from starting, but may surprise: certificates that clients will refuse, certificates
    /// and revocation lists that are past their time, members of CA bundles that are of no use.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.current.load().warnings.clone()
    }

    /// Of the first certificate's private key.
    pub(crate) fn key_digest(&self) -> KeyDigest {
        self.current.load().key
    }

    /// What a handshake that begins now goes by.
    #[must_use]
    pub fn rustls_config(&self) -> Arc<ServerConfig> {
        self.current.load().rustls.clone()
    }
}

impl Loaded {
    fn load(config: ServerTlsConfig) -> Result<Self, TlsMistakes> {
        let provider = crypto_provider();
        let mut loader = Loader::new();
        let certificates = loader.certificates(&config.certs, &provider);
        let verifier = loader.verifier(&config, &provider);
        let Loader { mistakes, warnings, key, lifetimes, revocations, .. } = loader;
        let leaves = certificates.iter().filter_map(|it| it.cert.first().cloned()).collect();
        let resolver = SniResolver::new(certificates);
        let (Some(verifier), Some(resolver), true) = (verifier, resolver, mistakes.is_empty()) else {
            return Err(TlsMistakes(mistakes));
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(config.min_version.and_newer())
            .map_err(|error| {
                TlsMistakes(vec![TlsMistake::general(TlsFile::Certificates, error.to_string())])
            })?;
        let mut rustls =
            builder.with_client_cert_verifier(verifier.clone()).with_cert_resolver(Arc::new(resolver));
        rustls.session_storage = Arc::new(NoServerSessionStorage {});
        rustls.send_tls13_tickets = 0;
        Ok(Self {
            config,
            rustls: Arc::new(rustls),
            verifier,
            warnings,
            key: key.unwrap_or_default(),
            leaves,
            lifetimes,
            revocations,
        })
    }
}

impl ServerTls {
    /// A line for each certificate, CA and revocation list that has to be renewed soon, or has not been in time. The same
    /// words each time, so that they can be told once a day; ten lines, and how many more there are.
    #[must_use]
    pub fn expiring(&self, now: SystemTime) -> Vec<String> {
        expiry::expiring(&self.lifetimes(), now)
    }

    /// From when to when the certificates are good that are shown, those of the CAs by which clients are judged, and the
    /// revocation lists that count.
    #[must_use]
    pub fn lifetimes(&self) -> Vec<Lifetime> {
        let loaded = self.current.load();
        let lists = loaded.revocations.iter().flat_map(|revocations| revocations.iter());
        loaded.lifetimes.iter().cloned().chain(lists.map(RevocationList::lifetime)).collect()
    }
}
