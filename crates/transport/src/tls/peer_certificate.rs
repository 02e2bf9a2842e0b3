//! What a verified client certificate says.

use rustls::pki_types::CertificateDer;
use std::time::{Duration, SystemTime};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// A client's certificate that was verified, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The common name of its subject.
    pub subject_common_name: Option<String>,
    /// Its DNS names.
    pub dns_names: Vec<String>,
    /// Its URIs.
    pub uris: Vec<String>,
    /// Its mail addresses.
    pub emails: Vec<String>,
    /// Its serial number in hexadecimal, in lower case, without separators.
    pub serial: String,
    /// When it ends.
    pub not_after: SystemTime,
    /// All of it.
    pub der: Vec<u8>,
    /// What it was shown with: the certificates between it and the CA.
    pub intermediates: Vec<Vec<u8>>,
}

impl PeerCertificate {
    /// The first of `chain`, which somebody has verified. `None` if it is no X.509 certificate, or there is none.
    #[must_use]
    pub fn parse(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let (der, intermediates) = chain.split_first()?;
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let common_name = parsed.subject().iter_common_name().next();
        let mut certificate = Self {
            subject_common_name: common_name.and_then(|name| name.as_str().ok()).map(str::to_owned),
            dns_names: Vec::new(),
            uris: Vec::new(),
            emails: Vec::new(),
            serial: data_encoding::HEXLOWER.encode(parsed.raw_serial()),
            not_after: time(parsed.validity().not_after.timestamp()),
            der: der.to_vec(),
            intermediates: intermediates.iter().map(|der| der.to_vec()).collect(),
        };
        if let Ok(Some(names)) = parsed.subject_alternative_name() {
            for name in &names.value.general_names {
                match name {
                    GeneralName::DNSName(name) => certificate.dns_names.push((*name).to_owned()),
                    GeneralName::URI(uri) => certificate.uris.push((*uri).to_owned()),
                    GeneralName::RFC822Name(email) => certificate.emails.push((*email).to_owned()),
                    _ => {}
                }
            }
        }
        Some(certificate)
    }
}

pub(super) fn time(seconds: i64) -> SystemTime {
    match u64::try_from(seconds) {
        Ok(seconds) => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        Err(_) => SystemTime::UNIX_EPOCH,
    }
}
