//! The name that a client asks for (SNI): it chooses the certificate, and is noted.

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Chooses a certificate by the name that the client asks for: by the names in the certificates, one
/// that is spelt out before a wildcard, and an earlier certificate before a later one. The first is for
/// clients that ask for no name, or for one that is in none.
#[derive(Debug)]
pub(super) struct SniResolver {
    first: Arc<CertifiedKey>,
    /// In lower case, wildcards with their star.
    names: HashMap<String, Arc<CertifiedKey>>,
}

impl SniResolver {
    /// `None` without a certificate.
    pub(super) fn new(certificates: Vec<Arc<CertifiedKey>>) -> Option<Self> {
        let first = certificates.first()?.clone();
        let mut names = HashMap::new();
        for certificate in certificates {
            for name in dns_names(&certificate) {
                names.entry(name).or_insert_with(|| certificate.clone());
            }
        }
        Some(Self { first, names })
    }

    fn choose(&self, name: Option<&str>) -> &Arc<CertifiedKey> {
        let Some(name) = name.map(str::to_ascii_lowercase) else { return &self.first };
        let wildcard = || name.split_once('.').and_then(|(_, rest)| self.names.get(&format!("*.{rest}")));
        self.names.get(&name).or_else(wildcard).unwrap_or(&self.first)
    }
}

impl ResolvesServerCert for SniResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.choose(hello.server_name()).clone())
    }
}

fn dns_names(certificate: &CertifiedKey) -> Vec<String> {
    let Some((_, parsed)) = certificate.cert.first().and_then(|der| X509Certificate::from_der(der).ok())
    else {
        return Vec::new();
    };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return Vec::new() };
    let names = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

/// Takes down the name that one client asks for, which its session does not tell.
#[derive(Debug)]
pub(super) struct SniRecorder {
    pub(super) inner: Arc<dyn ResolvesServerCert>,
    pub(super) name: Arc<OnceLock<String>>,
}

impl ResolvesServerCert for SniRecorder {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            // A second hello of the same connection repeats the name.
            let _ = self.name.set(name.to_owned());
        }
        self.inner.resolve(hello)
    }
}
