//! A certificate as peers will judge it, as far as that can be told here.

use crate::tls::peer_certificate::time;
use crate::tls::words;
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use std::time::SystemTime;
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate, X509Extension};

/// `id-ad-caIssuers` of RFC 5280: where an issuer's certificate is.
const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";

/// Why clients will refuse the server that shows `chain`, in one line each; none if nothing seems wrong.
pub(super) fn chain(chain: &[CertificateDer<'_>], provider: &CryptoProvider, now: SystemTime) -> Vec<String> {
    let parsed: Vec<_> = chain.iter().filter_map(|der| X509Certificate::from_der(der).ok()).collect();
    let Some((_, leaf)) = parsed.first() else { return Vec::new() };
    let mut wrong: Vec<String> = parsed.iter().filter_map(|(_, it)| age(it, now)).collect();
    wrong.extend(own(leaf));
    wrong.extend(parsed.last().and_then(|(_, last)| missing_issuer(last)));
    if wrong.is_empty()
        && let Err(reason) = leads_to_its_end(chain, provider, now)
    {
        let (subject, last) = (leaf.subject(), parsed.len());
        wrong.push(format!(
            "the certificate of `{subject}`: nothing leads from it to certificate {last}, the last in the file: {reason}"
        ));
    }
    wrong
}

/// Why servers will refuse the client that shows `chain`, in one line each; none if nothing seems wrong.
pub(super) fn client_chain(chain: &[CertificateDer<'_>], now: SystemTime) -> Vec<String> {
    let mut wrong: Vec<String> = chain.iter().filter_map(|der| age_of(der, now)).collect();
    let Some(Ok((_, leaf))) = chain.first().map(|der| X509Certificate::from_der(der)) else { return wrong };
    let subject = leaf.subject();
    if is_ca(&leaf) {
        wrong.push(format!("the certificate of `{subject}` is a CA's, which servers refuse as a client's"));
    }
    if let Ok(Some(usage)) = leaf.extended_key_usage()
        && !usage.value.client_auth
        && !usage.value.any
    {
        wrong.push(format!("the certificate of `{subject}` is not meant for a client"));
    }
    wrong
}

/// [`age`] of one that has not been looked into.
pub(super) fn age_of(der: &CertificateDer<'_>, now: SystemTime) -> Option<String> {
    X509Certificate::from_der(der).ok().and_then(|(_, parsed)| age(&parsed, now))
}

/// That it is not, or no longer, or not yet valid.
pub(super) fn age(certificate: &X509Certificate<'_>, now: SystemTime) -> Option<String> {
    let (validity, subject) = (certificate.validity(), certificate.subject());
    let (before, after) = (validity.not_before, validity.not_after);
    if time(after.timestamp()) < now {
        return Some(format!("the certificate of `{subject}` expired on {after}"));
    }
    (time(before.timestamp()) > now)
        .then(|| format!("the certificate of `{subject}` is valid from {before} on"))
}

/// Whether it is a CA's, that may sign others.
pub(super) fn is_ca(certificate: &X509Certificate<'_>) -> bool {
    certificate.basic_constraints().ok().flatten().is_some_and(|constraints| constraints.value.ca)
}

/// What is wrong with the server's own certificate.
fn own(leaf: &X509Certificate<'_>) -> Vec<String> {
    let subject = leaf.subject();
    let mut wrong = Vec::new();
    if is_ca(leaf) {
        wrong.push(format!("the certificate of `{subject}` is a CA's, which clients refuse as a server's"));
    }
    if let Ok(Some(usage)) = leaf.extended_key_usage()
        && !usage.value.server_auth
        && !usage.value.any
    {
        wrong.push(format!("the certificate of `{subject}` is not meant for a server"));
    }
    let names = leaf.subject_alternative_name().ok().flatten();
    let is_host =
        |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(_) | GeneralName::IPAddress(_));
    if !names.is_some_and(|names| names.value.general_names.iter().any(is_host)) {
        wrong.push(format!(
            "the certificate of `{subject}` names no host among its alternative names, so clients refuse it \
             whatever they dial"
        ));
    }
    wrong
}

/// That a certificate between the last one and a CA is missing. A CA that is known to its clients alone may have
/// signed the last one, so it is told only where the issuer says where to fetch its own certificate, as those of
/// the web do, and is none of the system's CAs.
fn missing_issuer(last: &X509Certificate<'_>) -> Option<String> {
    let (subject, issuer) = (last.subject(), last.issuer());
    let is_fetched = |extension: &X509Extension<'_>| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => {
            access.iter().any(|it| it.access_method.to_id_string() == CA_ISSUERS)
        }
        _ => false,
    };
    if subject == issuer || !last.extensions().iter().any(is_fetched) {
        return None;
    }
    let is_issuer = |der: &CertificateDer<'_>| {
        X509Certificate::from_der(der).is_ok_and(|(_, ca)| ca.subject().as_raw() == issuer.as_raw())
    };
    let is_known = rustls_native_certs::load_native_certs().certs.iter().any(is_issuer);
    (!is_known).then(|| {
        format!(
            "the certificate of `{subject}` is issued by `{issuer}`, whose certificate is not in the file: clients \
             that do not know it refuse the server"
        )
    })
}

/// Whether the certificates between make a chain from the first to the last, which may be the CA's own or one
/// that the CA has signed.
fn leads_to_its_end(
    chain: &[CertificateDer<'_>],
    provider: &CryptoProvider,
    now: SystemTime,
) -> Result<(), String> {
    let [leaf, between @ .., last] = chain else { return Ok(()) };
    let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
    let mut roots = RootCertStore::empty();
    let verified = roots.add(last.clone().into_owned()).and_then(|()| {
        let leaf = ParsedCertificate::try_from(leaf)?;
        let algorithms = provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&leaf, &roots, between, now, algorithms)
    });
    verified.map_err(|error| match error {
        rustls::Error::InvalidCertificate(error) => words::of_certificate(&error),
        other => words::plain(&other),
    })
}
