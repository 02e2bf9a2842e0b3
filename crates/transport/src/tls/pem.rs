//! Certificates, keys and revocation lists out of PEM. Errors are for whoever wrote the configuration.

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::io;
use std::path::Path;
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read: permission denied".to_owned(),
        _ => format!("can't be read: {error}"),
    })
}

/// At least one certificate, each of which is X.509.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<CertificateDer<'static>> = sections(pem)?;
    if certificates.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    for (index, der) in certificates.iter().enumerate() {
        if X509Certificate::from_der(der).is_err() {
            return Err(format!("certificate {} in it is damaged", index + 1));
        }
    }
    Ok(certificates)
}

/// The first private key: PKCS#8, PKCS#1 or SEC1.
pub(super) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        pem::Error::NoItemsFound if contains(pem, b"ENCRYPTED PRIVATE KEY") => {
            "the private key in it is encrypted; it is needed without a passphrase".to_owned()
        }
        pem::Error::NoItemsFound => "there is no private key in it".to_owned(),
        error => damaged(&error),
    })
}

/// At least one revocation list.
pub(super) fn revocation_lists(pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let lists: Vec<CertificateRevocationListDer<'static>> = sections(pem)?;
    if lists.is_empty() {
        return Err("there is no certificate revocation list in it".to_owned());
    }
    Ok(lists)
}

/// The key and the chain that it belongs to.
pub(super) fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, String> {
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => "the key does not belong to the certificate".to_owned(),
        rustls::Error::General(_) => "the private key is damaged, or of a kind that is not known".to_owned(),
        error => error.to_string(),
    })
}

/// Adds the certificates as CAs.
pub(super) fn add_roots(
    roots: &mut RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
) -> Result<(), String> {
    for (index, certificate) in certificates.into_iter().enumerate() {
        let number = index + 1;
        roots
            .add(certificate)
            .map_err(|error| format!("certificate {number} in it can't serve as a CA: {error}"))?;
    }
    Ok(())
}

fn sections<T: PemObject>(pem: &[u8]) -> Result<Vec<T>, String> {
    T::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| damaged(&error))
}

/// Never the content: it may be a key's.
fn damaged(error: &pem::Error) -> String {
    let reason = match error {
        pem::Error::MissingSectionEnd { .. } => "a section does not end",
        pem::Error::IllegalSectionStart { .. } => "a section does not start as it should",
        pem::Error::Base64Decode(_) => "a section is no base64",
        _ => "a section can't be read",
    };
    format!("the PEM is damaged: {reason}")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
