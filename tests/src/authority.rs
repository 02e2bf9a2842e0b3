//! Certificates that tests make: authorities, identities, and files that hold them.

use frontier_transport::ClientTls;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber, date_time_ymd,
};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name that a gateway's certificate is for unless a test says otherwise.
pub const SERVER_NAME: &str = "localhost";

/// Whom the gateways of a test process and their clients trust unless a test says otherwise.
static COMMON: LazyLock<Authority> = LazyLock::new(|| Authority::new("common"));

/// A CA.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The time in which a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It holds now, and for long.
    Now,
    /// It is over.
    Past,
    /// It has not begun.
    Future,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Identity {
    cert: String,
    key: String,
    serial: u64,
}

/// Where an [`Identity`] was written to.
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    /// The certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Authority {
    /// A CA of its own, which nobody trusts so far.
    ///
    /// # Panics
    /// If there are no random numbers.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(CertifiedIssuer::self_signed(ca_params(name), key()).expect("a CA may sign itself"))
    }

    /// A CA that this one vouches for.
    ///
    /// # Panics
    /// If there are no random numbers.
    #[must_use]
    pub fn intermediate(&self, name: &str) -> Self {
        let mut params = ca_params(name);
        params.use_authority_key_identifier_extension = true;
        let issuer = CertifiedIssuer::signed_by(params, key(), &self.0);
        Self(issuer.expect("a CA may sign another one"))
    }

    /// The one that everybody in this process trusts.
    #[must_use]
    pub fn common() -> &'static Self {
        &COMMON
    }

    /// Its own certificate.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// What a client goes by that trusts this CA alone and reaches gateways by any address.
    pub fn trusted(&self) -> ClientTls {
        ClientTls::new().ca_pem(self.pem()).server_name(SERVER_NAME)
    }

    /// A certificate for a server of these names.
    #[must_use]
    pub fn server(&self, names: &[&str], validity: Validity) -> Identity {
        self.issue(params(names, "gateway", validity), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client of this name, and with these URIs.
    ///
    /// # Panics
    /// If one of them is no URI.
    #[must_use]
    pub fn client(&self, name: &str, uris: &[&str], validity: Validity) -> Identity {
        let mut params = params(&[name], name, validity);
        let uris = uris.iter().map(|uri| SanType::URI((*uri).try_into().expect("a URI")));
        params.subject_alt_names.extend(uris);
        self.issue(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A revocation list that names these, as PEM.
    ///
    /// # Panics
    /// Never: what is signed is well-formed.
    #[must_use]
    pub fn revoke(&self, identities: &[&Identity]) -> String {
        let revoked = identities.iter().map(|identity| RevokedCertParams {
            serial_number: identity.serial.into(),
            revocation_time: date_time_ymd(2001, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2000, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).and_then(|list| list.pem()).expect("a well-formed list")
    }

    fn issue(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Identity {
        static SERIAL: AtomicU64 = AtomicU64::new(1000);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(serial.into());
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = key();
        let cert = params.signed_by(&key, &self.0).expect("a well-formed certificate").pem();
        Identity { cert, key: key.serialize_pem(), serial }
    }
}

impl Identity {
    /// The certificate, as PEM.
    #[must_use]
    pub fn cert(&self) -> &str {
        &self.cert
    }

    /// Its key, as PEM.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The same with the certificate of the CA that issued it, where peers know only the one above.
    #[must_use]
    pub fn with_chain(mut self, issuer: &Authority) -> Self {
        self.cert += &issuer.pem();
        self
    }

    /// Its serial number, as openssl prints it.
    #[must_use]
    pub fn serial(&self) -> String {
        format!("{:04X}", self.serial)
    }

    /// A client that shows this certificate.
    pub fn shown_by(&self, tls: ClientTls) -> ClientTls {
        tls.identity_pem(&self.cert, &self.key)
    }

    /// Writes both into `dir`, in place of what has been there under the same name. Whoever reads
    /// meanwhile finds the old one or the new one.
    ///
    /// # Panics
    /// If that can't be written.
    pub fn write(&self, dir: &Path, name: &str) -> IdentityFiles {
        let files =
            IdentityFiles { cert: dir.join(format!("{name}.pem")), key: dir.join(format!("{name}.key")) };
        for (path, content) in [(&files.key, &self.key), (&files.cert, &self.cert)] {
            replace(path, content);
        }
        files
    }
}

/// Writes a file in one step.
///
/// # Panics
/// If that can't be written.
pub fn replace(path: &Path, content: impl AsRef<[u8]>) {
    let new = path.with_extension("new");
    std::fs::write(&new, content).expect("room for a file");
    std::fs::rename(&new, path).expect("a file may be replaced");
}

fn key() -> KeyPair {
    KeyPair::generate().expect("random numbers")
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = params(&[], name, Validity::Now);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(names: &[&str], common_name: &str, validity: Validity) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names that a certificate can be for");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let (from, to) = match validity {
        Validity::Now => (2000, 2090),
        Validity::Past => (2000, 2001),
        Validity::Future => (2080, 2090),
    };
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("serial", &self.serial).finish_non_exhaustive()
    }
}
