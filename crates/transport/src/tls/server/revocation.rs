//! Revocation lists, and which of them counts for which certificate: per CA **key** the newest whose signature fits.
//!
//! A CA that has been given a new key keeps its name, and has two lists for as long as certificates of the old key are
//! about. So a list belongs to whoever has signed it, not to a name; and of several that one key has signed, which come
//! about when a list is appended to a file or the old file is still named, the older ones say nothing any more.

use crate::tls::expiry::Lifetime;
use crate::tls::mistake::{TlsFile, TlsMistake};
use crate::tls::peer_certificate::time;
use crate::tls::words;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::asn1_rs::Any;
use x509_parser::prelude::{
    CertificateRevocationList, DistributionPointName, FromDer as _, GeneralName, IssuingDistributionPoint,
    ParsedExtension, X509Certificate, X509Version,
};

/// One list, as it stands in a file.
#[derive(Debug)]
pub(super) struct RevocationList {
    /// Which file of the configuration that is.
    pub(super) file: TlsFile,
    pub(super) path: PathBuf,
    der: CertificateRevocationListDer<'static>,
    list: CertRevocationList<'static>,
    /// What makes one newer than another: when it was made, then its number.
    age: (SystemTime, Vec<u8>),
    /// From when on it says nothing of anybody.
    pub(super) expires: SystemTime,
    /// Who has made it, in words.
    pub(super) issuer: String,
    /// When it was made, and is to be renewed, in words.
    made_at: String,
    pub(super) next_update: String,
}

/// A key, as certificates have it: the content of a SubjectPublicKeyInfo.
pub(super) type Key<'a> = &'a [u8];

impl RevocationList {
    /// # Errors
    /// Why it is of no use.
    pub(super) fn parse(
        file: TlsFile,
        path: &Path,
        der: CertificateRevocationListDer<'static>,
    ) -> Result<Self, String> {
        let damaged = |_| "it is damaged".to_owned();
        let (_, parsed) = CertificateRevocationList::from_der(&der).map_err(damaged)?;
        // What openssl makes where its configuration names no `crlnumber`.
        let is_second = parsed.version() == Some(X509Version::V2);
        if !is_second || parsed.extensions().is_empty() {
            let lacks = if is_second { "has no extensions" } else { "is of version 1" };
            return Err(format!("it {lacks}; a list of version 2 with a CRL number is needed"));
        }
        let list = OwnedCertRevocationList::from_der(&der).map_err(|error| words::plain(&error))?;
        let (made, next) = (parsed.last_update(), parsed.next_update().ok_or("it has no end")?);
        let number = parsed.crl_number().map(|number| number.to_bytes_be()).unwrap_or_default();
        // As numbers, the longer one is greater: 20 bytes at most, which has been looked at above.
        let mut padded = vec![0; 32_usize.saturating_sub(number.len())];
        padded.extend(number);
        let age = (time(made.timestamp()), padded);
        let (expires, issuer) = (time(next.timestamp()), parsed.issuer().to_string());
        let (made_at, next_update) = (made.to_string(), next.to_string());
        let path = path.to_owned();
        Ok(Self { file, path, list: list.into(), age, expires, issuer, made_at, next_update, der })
    }

    /// The name of who has made it, as it stands in certificates.
    fn issuer_name(&self) -> &[u8] {
        self.list.issuer()
    }

    /// Whether this key has signed it.
    fn is_signed_by(&self, key: Key<'_>, provider: &CryptoProvider) -> bool {
        signed(&self.der, key, provider).is_some_and(|fits| fits)
    }

    /// Whether a certificate of its issuer is among those of which it speaks.
    fn covers(&self, certificate: &[u8], is_ca: bool) -> bool {
        if self.list.issuing_distribution_point().is_none() {
            return true;
        }
        let Ok((_, parsed)) = CertificateRevocationList::from_der(&self.der) else { return false };
        let scope = parsed.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::IssuingDistributionPoint(scope) => Some(scope),
            _ => None,
        });
        scope.is_some_and(|scope| {
            let is_excluded = scope.only_contains_attribute_certs
                || (scope.only_contains_ca_certs && !is_ca)
                || (scope.only_contains_user_certs && is_ca);
            !is_excluded && is_named(scope, certificate)
        })
    }

    /// From when to when it says something.
    pub(super) fn lifetime(&self) -> Lifetime {
        let next = &self.next_update;
        let text =
            format!("{self} expires on {next}; no client with a certificate from there gets in after that");
        Lifetime::of_list(&self.path, self.age.0, self.expires, text)
    }
}

impl fmt::Display for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the revocation list of `{}` of {}", self.issuer, self.made_at)
    }
}

/// Whether a certificate names one of the places where the list says that it is from, or none at all.
fn is_named(scope: &IssuingDistributionPoint<'_>, certificate: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let points = certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => Some(points),
        _ => None,
    });
    let Some(points) = points else { return true };
    let of_list: Vec<&str> = uris(scope.distribution_point.as_ref()).collect();
    let usable = points.iter().filter(|point| point.crl_issuer.is_none() && point.reasons.is_none());
    usable.flat_map(|point| uris(point.distribution_point.as_ref())).any(|uri| of_list.contains(&uri))
}

fn uris<'a>(name: Option<&'a DistributionPointName<'a>>) -> impl Iterator<Item = &'a str> {
    let names = match name {
        Some(DistributionPointName::FullName(names)) => names.as_slice(),
        _ => &[],
    };
    names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    })
}

/// Whether `key` has signed a document that is made of what is signed, an algorithm and a signature. `None` if it is
/// damaged.
fn signed(document: &[u8], key: Key<'_>, provider: &CryptoProvider) -> Option<bool> {
    let (_, document) = Any::from_der(document).ok()?;
    let (rest, _) = Any::from_der(document.data).ok()?;
    let content = document.data.strip_suffix(rest)?;
    let (rest, algorithm) = Any::from_der(rest).ok()?;
    let (_, signature) = Any::from_der(rest).ok()?;
    let (rest, of_key) = Any::from_der(key).ok()?;
    let (_, public) = Any::from_der(rest).ok()?;
    // A bit string begins with how many bits of its last byte are none of it: 0 for keys and signatures.
    let (signature, public) = (signature.data.strip_prefix(&[0])?, public.data.strip_prefix(&[0])?);
    let fits = provider.signature_verification_algorithms.all.iter().any(|known| {
        known.signature_alg_id().as_ref() == algorithm.data
            && known.public_key_alg_id().as_ref() == of_key.data
            && known.verify_signature(public, content, signature).is_ok()
    });
    Some(fits)
}

/// All lists of a listener.
#[derive(Debug)]
pub(super) struct Revocations {
    lists: Vec<RevocationList>,
    provider: Arc<CryptoProvider>,
}

impl Revocations {
    pub(super) fn new(lists: Vec<RevocationList>, provider: Arc<CryptoProvider>) -> Self {
        Self { lists, provider }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Those that count, for the CAs whose certificates these are; in words why others do not; and those without which
    /// nobody knows who is revoked.
    pub(super) fn sort_out(self, cas: &[CertificateDer<'_>]) -> (Self, Vec<String>, Vec<TlsMistake>) {
        let keys: Vec<(Vec<u8>, Vec<u8>)> = cas.iter().filter_map(|der| subject_and_key(der)).collect();
        // Each with the key that has signed it. A list of a name that is not among the CAs is for one between: clients
        // show that, and its key with it.
        let (mut placed, mut unsigned) = (Vec::new(), Vec::new());
        for list in self.lists {
            let of_name = || keys.iter().filter(|(name, _)| name == list.issuer_name());
            match of_name().find(|(_, key)| list.is_signed_by(key, &self.provider)) {
                Some((_, key)) => placed.push((Some(key.as_slice()), list)),
                None if of_name().next().is_none() => placed.push((None, list)),
                None => unsigned.push(list),
            }
        }
        let (mut reasons, mut mistakes) = (Vec::new(), Vec::new());
        for list in unsigned {
            let of_name = keys.iter().filter(|(name, _)| name == list.issuer_name());
            let has_list = |key: &[u8]| placed.iter().any(|(of, _)| *of == Some(key));
            let text = format!("{list}: none of the CAs of that name in `ca_certs` has signed it");
            // It may be of a key that is not in use any more.
            if of_name.clone().all(|(_, key)| has_list(key)) {
                reasons.push(format!("{}: left out: {text}", list.path.display()));
            } else {
                let text = format!("{text}, and there is no other list of one of them");
                mistakes.push(TlsMistake::of(list.file, &list.path, text));
            }
        }
        let is_whole = |list: &RevocationList| list.list.issuing_distribution_point().is_none();
        let counts = |of: Option<&[u8]>, list: &RevocationList| {
            let newer = |(key, other): &(Option<&[u8]>, RevocationList)| {
                *key == of && is_whole(other) && other.age > list.age
            };
            of.is_none() || !is_whole(list) || !placed.iter().any(newer)
        };
        let counts: Vec<bool> = placed.iter().map(|(key, list)| counts(*key, list)).collect();
        let mut lists = Vec::new();
        for ((_, list), counts) in placed.into_iter().zip(counts) {
            if counts {
                lists.push(list);
            } else {
                reasons.push(format!(
                    "{}: left out: {list}: there is a newer one of the same key",
                    list.path.display()
                ));
            }
        }
        (Self { lists, provider: self.provider }, reasons, mistakes)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RevocationList> {
        self.lists.iter()
    }

    /// Whether the newest list of whoever issued this certificate, with this key, says something against it. Where there
    /// is none nobody has said so.
    ///
    /// # Errors
    /// That it is revoked, or that the list is past its time.
    pub(super) fn check(
        &self,
        certificate: &webpki::Cert<'_>,
        is_ca: bool,
        key: Key<'_>,
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        let of_name = self.lists.iter().filter(|list| list.issuer_name() == certificate.issuer());
        let mut newest_first: Vec<_> =
            of_name.filter(|list| list.covers(&certificate.der(), is_ca)).collect();
        newest_first.sort_by(|a, b| b.age.cmp(&a.age));
        let Some(list) = newest_first.into_iter().find(|list| list.is_signed_by(key, &self.provider)) else {
            return Ok(());
        };
        if list.list.find_serial(certificate.serial())?.is_some() {
            return Err(webpki::Error::CertRevoked);
        }
        let ends = list.expires.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let next_update = UnixTime::since_unix_epoch(ends);
        if now >= next_update {
            return Err(webpki::Error::CrlExpired { time: now, next_update });
        }
        Ok(())
    }
}

fn subject_and_key(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let (_, name) = Any::from_der(parsed.subject().as_raw()).ok()?;
    let (_, key) = Any::from_der(parsed.public_key().raw).ok()?;
    Some((name.data.to_vec(), key.data.to_vec()))
}
