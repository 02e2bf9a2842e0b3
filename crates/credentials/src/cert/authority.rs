//! A development authority, and what it signs.

use anyhow::{Context as _, Result};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};
use x509_parser::extensions::GeneralName;

/// How long the authority holds, in days.
const TEN_YEARS: i64 = 3650;

/// Clocks differ: what is made now holds already where it is a little earlier.
const SLACK: Duration = Duration::hours(1);

/// What a certificate is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Server,
    Client,
}

/// What signs certificates.
pub(super) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// A new one, its certificate and its key.
    pub(super) fn make() -> Result<(Self, String, String)> {
        let mut params = named("Frontier development CA", TEN_YEARS);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let cert = params.self_signed(&key)?.pem();
        let pem = key.serialize_pem();
        Ok((Self(Issuer::new(params, key)), cert, pem))
    }

    /// One that was made before.
    pub(super) fn load(cert: &str, key: &str) -> Result<Self> {
        let key = KeyPair::from_pem(key)?;
        Ok(Self(Issuer::from_ca_cert_pem(cert, key)?))
    }

    /// A certificate for `hosts` (names or addresses) and `uris`, and its key.
    pub(super) fn issue(
        &self,
        name: &str,
        hosts: &[String],
        uris: &[String],
        purpose: Purpose,
        days: u16,
    ) -> Result<(String, String)> {
        let mut params = named(name, days.into());
        params.subject_alt_names = CertificateParams::new(hosts)
            .with_context(|| format!("one of {hosts:?} is no name for a certificate"))?
            .subject_alt_names;
        for uri in uris {
            let uri: Ia5String =
                uri.as_str().try_into().with_context(|| format!("{uri:?} is no URI for a certificate"))?;
            params.subject_alt_names.push(SanType::URI(uri));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match purpose {
            Purpose::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Purpose::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let cert = params.signed_by(&key, &self.0)?.pem();
        Ok((cert, key.serialize_pem()))
    }
}

/// The names and addresses that a certificate is for.
pub(super) fn names(pem: &str) -> Result<Vec<String>> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes())?;
    let certificate = pem.parse_x509()?;
    let names = certificate.subject_alternative_name()?.map(|names| &names.value.general_names);
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|it| IpAddr::from(it).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|it| IpAddr::from(it).to_string()),
        },
        _ => None,
    };
    Ok(names.into_iter().flatten().filter_map(text).collect())
}

fn named(name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = OffsetDateTime::now_utc();
    params.not_before = now - SLACK;
    params.not_after = now + Duration::days(days);
    params
}
