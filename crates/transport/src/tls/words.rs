//! Our words for what the TLS library says, for people who don't know its types.

use rustls::CertificateError;
use std::fmt::Debug;

/// What is wrong with a certificate, to go on a sentence about it.
pub(super) fn of_certificate(error: &CertificateError) -> String {
    use CertificateError as E;
    let text = match error {
        E::BadEncoding => "it can't be read, or is not of X.509 version 3",
        E::Expired | E::ExpiredContext { .. } => "it, or one above it, has expired",
        E::NotValidYet | E::NotValidYetContext { .. } => "it, or one above it, is not valid yet",
        E::Revoked => "it is revoked",
        E::UnhandledCriticalExtension => "it has a critical extension that is not known here",
        E::UnknownIssuer => "nobody who is known has issued it",
        E::BadSignature => "its signature is not that of its issuer's key",
        E::NotValidForName | E::NotValidForNameContext { .. } => "it is for other names",
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => "it is not meant for this",
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its signature is of a kind that is not taken"
        }
        E::Other(other) => return plain(&other.0),
        other => return plain(other),
    };
    text.to_owned()
}

/// What a peer did that is not in the rules.
pub(super) fn of_breach(error: &rustls::Error) -> String {
    use rustls::Error as E;
    match error {
        E::PeerMisbehaved(case) => plain(case),
        E::InvalidMessage(case) => plain(case),
        E::InappropriateMessage { got_type, .. } => format!("an unexpected message: {}", plain(got_type)),
        E::InappropriateHandshakeMessage { got_type, .. } => {
            format!("an unexpected handshake message: {}", plain(got_type))
        }
        other => plain(other),
    }
}

/// The name of a case, `CaUsedAsEndEntity`, as words: without what it carries.
pub(super) fn plain(case: &dyn Debug) -> String {
    let debug = format!("{case:?}");
    split(debug.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or_default())
}

/// The same of a case that has become a text already.
pub(super) fn of_text(reason: &str) -> String {
    let inner = reason.strip_prefix("Other(OtherError(").map(|rest| rest.trim_end_matches(')'));
    let shown = inner.unwrap_or(reason).split(['(', '{']).next().unwrap_or_default().trim();
    if shown.contains(' ') { shown.to_owned() } else { split(shown) }
}

fn split(name: &str) -> String {
    let mut words = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(char.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::UnixTime;
    use rustls::{OtherError, PeerIncompatible, PeerMisbehaved};
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn a_case_is_told_in_words_without_what_it_carries() {
        assert_eq!(plain(&PeerMisbehaved::TooManyEmptyFragments), "too many empty fragments");
        assert_eq!(plain(&PeerIncompatible::EcPointsExtensionRequired), "ec points extension required");
        assert_eq!(of_text("Other(OtherError(CaUsedAsEndEntity))"), "ca used as end entity");
        assert_eq!(of_text("certificate is of no use {1}"), "certificate is of no use");
        let time = UnixTime::since_unix_epoch(Duration::from_secs(7));
        let expired = CertificateError::ExpiredContext { time, not_after: time };
        assert_eq!(of_certificate(&expired), "it, or one above it, has expired");
        let other = OtherError(Arc::new(std::io::Error::from(std::io::ErrorKind::NotFound)));
        assert_eq!(of_certificate(&CertificateError::Other(other)), "kind");
    }
}
