//! The settings of a client's TLS.

mod inspect;

pub use inspect::ClientFile;

use super::any_certificate::AnyCertificate;
use super::{ALPN_LINK, TlsVersion, crypto_provider, pem};
use inspect::pair;
use rustls::client::Resumption;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tracing::debug;

/// The client's side of TLS: whom it trusts, and who it says that it is.
///
/// Files are read at each connect, so a CA or a certificate that was renewed is used from then on.
///
/// ```
/// use frontier_transport::ClientTls;
///
/// let tls = ClientTls::new().ca_file("ca.pem").identity_files("edge.pem", "edge.key");
/// # let _ = tls;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ClientTls {
    cas: Vec<Source>,
    server_name: Option<String>,
    /// A chain and its key.
    identity: Option<(Source, Source)>,
    min_version: TlsVersion,
    accept_any: bool,
    /// What is offered over `tls`, if not [`ALPN_LINK`].
    alpn: Option<Vec<Vec<u8>>>,
}

/// What PEM is called that comes from no file.
const CERTIFICATE: &str = "the client's certificate";
const KEY: &str = "the client's key";
const CA: &str = "the CA";

/// The most application protocols that are offered.
const MAX_ALPN: usize = 16;

/// Settings of the client's side of TLS that are of no use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientTlsError {
    /// A file or a piece of PEM is wrong.
    #[error("{origin}: {message}")]
    Material {
        /// The path, or what it was given as.
        origin: String,
        /// What is wrong.
        message: String,
    },
    /// The system has no CA certificates, and none were given.
    #[error("this system has no CA certificates; give the CA of the server")]
    NoSystemRoots,
    /// The name is neither a DNS name nor an IP address.
    #[error("`{0}` is no name that a certificate could be for")]
    ServerName(String),
    /// They can't be offered as application protocols.
    #[error("at most {MAX_ALPN} application protocols (ALPN) can be offered, of 1 to 255 bytes each")]
    Alpn,
    /// The TLS library refuses them.
    #[error("{0}")]
    Other(String),
}

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Pem(Arc<[u8]>),
}

/// The content may be a key.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Pem(_) => f.write_str("PEM"),
        }
    }
}

impl ClientTls {
    /// Trusts the CAs of the system, and shows no certificate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the CAs in this PEM file, and no longer those of the system. May be called again for more.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.cas.push(Source::File(path.as_ref().to_owned()));
        self
    }

    /// Trusts the CAs in this PEM, and no longer those of the system. May be called again for more.
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.cas.push(Source::Pem(pem.as_ref().into()));
        self
    }

    /// The name that the server's certificate must be for, in place of the host in the URL.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Shows this certificate, with its chain, to servers that ask for one. PEM files; the key is
    /// PKCS#8, PKCS#1 or SEC1, without a passphrase.
    pub fn identity_files(mut self, cert: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        let file = |path: &Path| Source::File(path.to_owned());
        self.identity = Some((file(cert.as_ref()), file(key.as_ref())));
        self
    }

    /// As [`identity_files`](Self::identity_files), from PEM in memory.
    pub fn identity_pem(mut self, cert: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.identity = Some((Source::Pem(cert.as_ref().into()), Source::Pem(key.as_ref().into())));
        self
    }

    /// The oldest version of TLS that is spoken: 1.2 unless set.
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = version;
        self
    }

    /// Offers these application protocols (ALPN) over `tls`, in place of `frontier/1`; with none of them the extension is
    /// left out. For a terminator in front of the gateway that takes only what it knows, such as `h2` and `http/1.1`. Over
    /// `wss` and `quic` nothing changes. At most 16, of 1 to 255 bytes each.
    pub fn alpn<S: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = S>) -> Self {
        self.alpn = Some(protocols.into_iter().map(|protocol| protocol.as_ref().to_vec()).collect());
        self
    }

    /// Looks at the application protocols that are offered.
    ///
    /// # Errors
    /// [`ClientTlsError::Alpn`] if they can't be.
    pub fn check_alpn(&self) -> Result<(), ClientTlsError> {
        let protocols = self.alpn.as_deref().unwrap_or_default();
        let is_wrong = |protocol: &Vec<u8>| !(1..=255).contains(&protocol.len());
        if protocols.len() > MAX_ALPN || protocols.iter().any(is_wrong) {
            return Err(ClientTlsError::Alpn);
        }
        Ok(())
    }

    /// What is offered over `tls`.
    pub(crate) fn link_alpn(&self) -> Vec<Vec<u8>> {
        self.alpn.clone().unwrap_or_else(|| vec![ALPN_LINK.to_vec()])
    }

    /// Takes **any** server for the right one: whoever is on the path can read and change everything.
    /// For development only. Each connect logs a warning.
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.accept_any = true;
        self
    }

    /// Whether any server is taken for the right one.
    #[must_use]
    pub fn accepts_any(&self) -> bool {
        self.accept_any
    }

    /// Whom the server's certificate must name when `host` is dialled.
    ///
    /// # Errors
    /// [`ClientTlsError::ServerName`] if that is no name.
    pub fn name(&self, host: &str) -> Result<ServerName<'static>, ClientTlsError> {
        let name = self.server_name.as_deref().unwrap_or(host);
        ServerName::try_from(name.to_owned()).map_err(|_| ClientTlsError::ServerName(name.to_owned()))
    }

    /// Reads and checks the files, away from the tasks of the runtime: the settings as rustls has them, for
    /// a protocol that is not a link's.
    ///
    /// # Errors
    /// What is wrong with the files.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn load(&self, alpn: &'static [u8]) -> Result<Arc<ClientConfig>, ClientTlsError> {
        self.load_offering(vec![alpn.to_vec()]).await
    }

    /// As [`load`](Self::load), for a protocol that has no name.
    ///
    /// # Errors
    /// What is wrong with the files.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn load_bare(&self) -> Result<Arc<ClientConfig>, ClientTlsError> {
        self.load_offering(Vec::new()).await
    }

    /// As [`load`](Self::load), with any number of protocols.
    pub(crate) async fn load_offering(
        &self,
        alpn: Vec<Vec<u8>>,
    ) -> Result<Arc<ClientConfig>, ClientTlsError> {
        self.check_alpn()?;
        let settings = self.clone();
        let loaded = tokio::task::spawn_blocking(move || settings.load_blocking(alpn)).await;
        loaded.unwrap_or_else(|error| Err(ClientTlsError::Other(error.to_string())))
    }

    fn load_blocking(&self, alpn: Vec<Vec<u8>>) -> Result<Arc<ClientConfig>, ClientTlsError> {
        let other = |error: rustls::Error| ClientTlsError::Other(error.to_string());
        let verifier = self.verifier()?;
        let builder = ClientConfig::builder_with_provider(crypto_provider())
            .with_protocol_versions(self.min_version.and_newer())
            .map_err(other)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match self.identity()? {
            None => builder.with_no_client_auth(),
            Some(certified) => {
                let resolver = SingleCertAndKey::from(certified);
                builder.with_client_cert_resolver(Arc::new(resolver))
            }
        };
        config.alpn_protocols = alpn;
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    fn identity(&self) -> Result<Option<CertifiedKey>, ClientTlsError> {
        let Some((chain, key)) = &self.identity else { return Ok(None) };
        let certificates = chain.parse(CERTIFICATE, pem::certificates)?;
        let private = key.parse(KEY, pem::private_key)?;
        pair(chain, key, certificates, private).map(Some).map_err(|(_, error)| error)
    }

    fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, ClientTlsError> {
        if self.accept_any {
            return Ok(Arc::new(AnyCertificate(crypto_provider())));
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots()?), crypto_provider());
        match verifier.build() {
            Ok(verifier) => Ok(verifier),
            Err(error) => Err(ClientTlsError::Other(error.to_string())),
        }
    }

    fn roots(&self) -> Result<RootCertStore, ClientTlsError> {
        let mut roots = RootCertStore::empty();
        for ca in &self.cas {
            ca.add_to(&mut roots)?;
        }
        if self.cas.is_empty() {
            // Those that can't be read are as good as not there.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if roots.is_empty() { Err(ClientTlsError::NoSystemRoots) } else { Ok(roots) }
    }
}

impl Source {
    fn add_to(&self, roots: &mut RootCertStore) -> Result<(), ClientTlsError> {
        let bundle = self.parse(CA, pem::bundle)?;
        for reason in &bundle.unusable {
            debug!(origin = ?self, "left out of the CAs: {reason}");
        }
        roots.add_parsable_certificates(bundle.certificates);
        Ok(())
    }

    fn parse<T>(
        &self,
        what: &str,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, ClientTlsError> {
        let parsed = match self {
            Self::File(path) => pem::read(path).and_then(|bytes| parse(&bytes)),
            Self::Pem(bytes) => parse(bytes),
        };
        parsed.map_err(|message| self.wrong(what, message))
    }

    fn wrong(&self, what: &str, message: String) -> ClientTlsError {
        ClientTlsError::Material { origin: self.origin(what), message }
    }

    /// The path, or what it was given as.
    fn origin(&self, what: &str) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Pem(_) => what.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_and_never_shown() {
        let load = |tls: ClientTls| tls.load_blocking(Vec::new()).unwrap_err().to_string();
        let missing = load(ClientTls::new().ca_file("/nowhere/ca.pem"));
        assert_eq!(missing, "/nowhere/ca.pem: there is no such file");
        let empty = load(ClientTls::new().ca_pem("no PEM"));
        assert_eq!(empty, "the CA: there is no certificate in it");
        let tls = ClientTls::new().identity_pem("c", "-----BEGIN PRIVATE KEY-----\nhunter2\n");
        let text = format!("{tls:?} {}", load(tls.clone().danger_accept_any_certificate()));
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn what_can_not_be_offered_as_an_application_protocol_is_refused() {
        let check = |protocols: &[&str]| ClientTls::new().alpn(protocols).check_alpn();
        assert_eq!([check(&[]), check(&["h2", "http/1.1"])], [Ok(()), Ok(())]);
        let long = "x".repeat(256);
        for wrong in [&[""][..], &[&long], &["h2"; MAX_ALPN + 1]] {
            assert_eq!(check(wrong), Err(ClientTlsError::Alpn));
        }
        assert_eq!(ClientTls::new().link_alpn(), [ALPN_LINK]);
        assert_eq!(ClientTls::new().alpn([""; 0]).link_alpn(), [[0_u8; 0]; 0]);
    }

    #[test]
    fn a_name_is_a_dns_name_or_an_address() {
        let tls = ClientTls::new();
        assert!(matches!(tls.name("::1"), Ok(ServerName::IpAddress(_))));
        assert!(matches!(tls.name("gateway.example"), Ok(ServerName::DnsName(_))));
        assert_eq!(tls.name("a b"), Err(ClientTlsError::ServerName("a b".to_owned())));
        assert!(tls.server_name("other").name("a b").is_ok());
    }
}
