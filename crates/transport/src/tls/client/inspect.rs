//! What can be asked of a client's TLS beside a connection: what is wrong with its files, and when what is in them ends.

use super::{CA, CERTIFICATE, ClientTls, ClientTlsError, KEY, Source};
use crate::tls::expiry::{self, Lifetime, LifetimeKind};
use crate::tls::pem::{self, PairMistake};
use crate::tls::{crypto_provider, judge};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::path::PathBuf;
use std::time::SystemTime;

/// Which part of the settings is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFile {
    /// The certificate that is shown.
    Certificate,
    /// Its key.
    Key,
    /// The CA bundle of this index.
    CaCertificate(usize),
}

impl ClientTls {
    /// Everything that is wrong with the certificates and the key, each with where it is set. Blocks while it reads them.
    #[must_use]
    pub fn check(&self) -> Vec<(ClientFile, ClientTlsError)> {
        let cas = self.cas.iter().map(|ca| ca.add_to(&mut RootCertStore::empty())).enumerate();
        let mut wrong: Vec<_> =
            cas.filter_map(|(index, added)| Some((ClientFile::CaCertificate(index), added.err()?))).collect();
        let Some((chain, key)) = &self.identity else { return wrong };
        let certificates = chain.parse(CERTIFICATE, pem::certificates);
        let private = key.parse(KEY, pem::private_key);
        match (certificates, private) {
            (Ok(certificates), Ok(private)) => {
                wrong.extend(pair(chain, key, certificates, private).err());
            }
            (certificates, private) => {
                wrong.extend(certificates.err().map(|error| (ClientFile::Certificate, error)));
                wrong.extend(private.err().map(|error| (ClientFile::Key, error)));
            }
        }
        wrong
    }

    /// What keeps nothing from being dialled, but may surprise: a certificate that servers will refuse, and CAs that are past
    /// their time. Blocks while it reads the files; what is wrong with them otherwise is for [`check`](Self::check) to say.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let now = SystemTime::now();
        let shown = self.identity.iter().flat_map(|(chain, _)| {
            let origin = chain.origin(CERTIFICATE);
            let found = chain.parse(CERTIFICATE, pem::certificates).unwrap_or_default();
            let wrong = judge::client_chain(&found, now);
            wrong.into_iter().map(|reason| format!("{origin}: {reason}")).collect::<Vec<_>>()
        });
        let trusted = self.cas.iter().flat_map(|ca| {
            let origin = ca.origin(CA);
            let bundle = ca.parse(CA, pem::bundle).ok();
            let unusable = bundle.iter().flat_map(|bundle| &bundle.unusable);
            let mut lines: Vec<_> = unusable.map(|reason| format!("{origin}: left out: {reason}")).collect();
            let members = bundle.iter().flat_map(|bundle| &bundle.certificates);
            let old = members.filter_map(|der| judge::age_of(der, now));
            lines.extend(old.map(|reason| format!("{origin}: {reason}")));
            lines
        });
        shown.chain(trusted).collect()
    }

    /// Whether there are certificates in it, to show or to trust.
    pub(in crate::tls) fn names_certificates(&self) -> bool {
        self.identity.is_some() || !self.cas.is_empty()
    }

    /// A line for each certificate that is shown, or by which servers are trusted, that has to be renewed soon, or has not
    /// been in time. The same words each time. Blocks while it reads the files.
    #[must_use]
    pub fn expiring(&self, now: SystemTime) -> Vec<String> {
        expiry::expiring(&self.lifetimes(), now)
    }

    /// From when to when the certificates are good that are shown, and those of the CAs by which servers are judged. Blocks
    /// while it reads the files; those that are wrong are passed over, as whoever connects with them tells of it.
    #[must_use]
    pub fn lifetimes(&self) -> Vec<Lifetime> {
        let shown = self.identity.iter().map(|(chain, _)| (chain, CERTIFICATE, LifetimeKind::Certificate));
        let trusted = self.cas.iter().map(|ca| (ca, CA, LifetimeKind::Authority));
        let lifetimes = shown.chain(trusted).flat_map(|(source, what, kind)| {
            let origin = match source {
                Source::File(path) => path.clone(),
                Source::Pem(_) => PathBuf::from(what),
            };
            let found = source.parse(what, pem::certificates).unwrap_or_default();
            let of_source = found.iter().filter_map(|der| Lifetime::of_certificate(&origin, kind, der));
            of_source.collect::<Vec<_>>()
        });
        lifetimes.collect()
    }
}

/// A chain and the key that it must belong to.
pub(super) fn pair(
    chain: &Source,
    key: &Source,
    certificates: Vec<CertificateDer<'static>>,
    private: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, (ClientFile, ClientTlsError)> {
    pem::certified_key(certificates, private, &crypto_provider()).map_err(|mistake| match mistake {
        PairMistake::Certificate(message) => (ClientFile::Certificate, chain.wrong(CERTIFICATE, message)),
        PairMistake::Key(message) => (ClientFile::Key, key.wrong(KEY, message)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_with_where_it_is_set() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let cert = params.self_signed(&key).unwrap().pem();
        let wrong = |tls: ClientTls| Vec::from_iter(tls.check().into_iter().map(|(file, _)| file));
        use ClientFile::{CaCertificate, Certificate, Key};
        let missing = ClientTls::new().ca_file("/no/ca").ca_pem(&cert).ca_file("/no/other");
        let missing = missing.identity_files("/no/cert", "/no/key");
        assert_eq!(wrong(missing), [CaCertificate(0), CaCertificate(2), Certificate, Key]);
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(wrong(ClientTls::new().identity_pem(&cert, other)), [Key], "it is of another certificate");
        assert_eq!(wrong(ClientTls::new().identity_pem(&cert, key.serialize_pem()).ca_pem(&cert)), []);
    }

    #[test]
    fn what_servers_will_refuse_is_warned_of() {
        type Change = fn(&mut rcgen::CertificateParams);
        let warnings = |change: Change| {
            let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
            change(&mut params);
            let key = rcgen::KeyPair::generate().unwrap();
            let cert = params.self_signed(&key).unwrap().pem();
            ClientTls::new().identity_pem(&cert, key.serialize_pem()).warnings()
        };
        assert_eq!(warnings(|_| {}), [] as [&str; 0]);
        let cases: [(Change, &str); 3] = [
            (|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1), "expired on"),
            (|params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained), "is a CA's"),
            (
                |params| params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth],
                "not meant for a client",
            ),
        ];
        for (change, expected) in cases {
            let warnings = warnings(change);
            assert!(matches!(&warnings[..], [one] if one.contains(expected)), "{warnings:?}");
        }
        let old = ClientTls::new().ca_pem({
            let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
            params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
        });
        assert!(old.warnings()[0].starts_with("the CA: the certificate of"), "{:?}", old.warnings());
    }
}
