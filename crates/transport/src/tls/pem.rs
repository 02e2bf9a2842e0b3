//! Certificates, keys and revocation lists out of PEM. Errors are for whoever wrote the configuration.

use super::words;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use x509_parser::asn1_rs::Any;
use x509_parser::oid_registry::OID_PKCS1_RSAENCRYPTION;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::AlgorithmIdentifier;

/// What a server reads while it goes on: a pipe would have it wait for ever.
pub(super) fn read_regular(path: &Path) -> Result<Vec<u8>, String> {
    if std::fs::metadata(path).is_ok_and(|it| !it.is_file()) {
        return Err("is no regular file".to_owned());
    }
    read(path)
}

/// The words are those of `frontier_config::unreadable`, which a client has not.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read: permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "can't be read: it is a folder".to_owned(),
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

/// Which of a pair is at fault, and what is wrong with it.
#[derive(Debug)]
pub(super) enum PairMistake {
    Certificate(String),
    Key(String),
}

/// The key and the chain that it belongs to.
pub(super) fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, PairMistake> {
    let rsa_bits = rsa_bits(&key);
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            PairMistake::Key("the key does not belong to the certificate".to_owned())
        }
        rustls::Error::InvalidCertificate(error) => PairMistake::Certificate(format!(
            "the first certificate in it is of no use: {}",
            words::of_certificate(&error)
        )),
        _ => PairMistake::Key(match rsa_bits {
            Some(bits) if !RSA_BITS.contains(&bits) => format!(
                "the private key is one of RSA of {bits} bits; those of {} to {} are taken",
                RSA_BITS.start(),
                RSA_BITS.end()
            ),
            _ => "the private key is damaged, or of a kind that is not known".to_owned(),
        }),
    })
}

/// The keys of RSA with which the library signs.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// How long the modulus is, if this is a key of RSA.
fn rsa_bits(key: &PrivateKeyDer<'_>) -> Option<usize> {
    // PKCS#8 wraps PKCS#1: a version, the algorithm, and the key as an octet string.
    let inner = match key {
        PrivateKeyDer::Pkcs1(key) => key.secret_pkcs1_der(),
        PrivateKeyDer::Pkcs8(key) => {
            let (_, outer) = Any::from_der(key.secret_pkcs8_der()).ok()?;
            let (rest, _version) = Any::from_der(outer.data).ok()?;
            let (rest, algorithm) = AlgorithmIdentifier::from_der(rest).ok()?;
            let (_, key) = Any::from_der(rest).ok()?;
            (algorithm.algorithm == OID_PKCS1_RSAENCRYPTION).then_some(key.data)?
        }
        _ => return None,
    };
    let (_, key) = Any::from_der(inner).ok()?;
    let (rest, _version) = Any::from_der(key.data).ok()?;
    let (_, modulus) = Any::from_der(rest).ok()?;
    let first = modulus.data.iter().position(|byte| *byte != 0)?;
    let digits = &modulus.data[first..];
    Some(8 * digits.len() - digits[0].leading_zeros() as usize)
}

/// The CAs of a bundle, and which of its members are of no use, each with the reason.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) unusable: Vec<String>,
}

/// At least one CA. A bundle is written by others, for many: a member that is of no use leaves the rest.
pub(super) fn bundle(pem: &[u8]) -> Result<Bundle, String> {
    let (mut certificates, mut unusable) = (Vec::new(), Vec::new());
    for (index, section) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let number = index + 1;
        match section {
            Ok(certificate) if X509Certificate::from_der(&certificate).is_err() => {
                unusable.push(format!("certificate {number} in it is damaged"));
            }
            Ok(certificate) => match RootCertStore::empty().add(certificate.clone()) {
                Ok(()) => certificates.push(certificate),
                Err(_) => unusable.push(format!("certificate {number} in it can't serve as a CA")),
            },
            Err(error @ pem::Error::Base64Decode(_)) => {
                unusable.push(format!("certificate {number} in it is damaged: {}", damaged(&error)));
            }
            // Where the next one begins can't be told.
            Err(error) => {
                unusable.push(damaged(&error));
                break;
            }
        }
    }
    match (certificates.is_empty(), unusable.is_empty()) {
        (false, _) => Ok(Bundle { certificates, unusable }),
        (true, false) => Err(unusable.join("; ")),
        (true, true) => Err("there is no certificate in it".to_owned()),
    }
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
