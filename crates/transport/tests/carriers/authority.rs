//! A CA for tests, and what it issues.

use frontier_transport::{CertificateFiles, ClientTls, ServerTlsConfig};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static SERIAL: AtomicU64 = AtomicU64::new(1000);

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: tempfile::TempDir,
}

/// A certificate and its key, as files.
pub(crate) struct Identity {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) serial: u64,
}

/// Years in which something is valid.
pub(crate) const ALWAYS: (i32, i32) = (2000, 2090);
pub(crate) const PAST: (i32, i32) = (2000, 2001);
pub(crate) const FUTURE: (i32, i32) = (2080, 2090);

fn params(names: &[&str], common_name: &str, years: (i32, i32)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = params(&[], name, ALWAYS);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, dir: tempfile::tempdir().unwrap() }
    }

    /// A CA below this one.
    pub(crate) fn intermediate(&self, name: &str) -> Self {
        let mut params = params(&[], name, ALWAYS);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.issuer).unwrap();
        Self { issuer, dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The CA's own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.write("ca.pem", self.issuer.pem())
    }

    /// A server's certificate for `names`, valid from and up to the start of these years.
    pub(crate) fn server(&self, names: &[&str], years: (i32, i32)) -> Identity {
        self.issue(params(names, "gateway", years), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// The same with an extension of these bytes.
    pub(crate) fn server_with(&self, oid: &[u64], content: &[u8], is_critical: bool) -> Identity {
        let mut params = params(&["localhost"], "gateway", ALWAYS);
        let mut extension = rcgen::CustomExtension::from_oid_content(oid, content.to_vec());
        extension.set_criticality(is_critical);
        params.custom_extensions.push(extension);
        self.issue(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub(crate) fn client(&self, common_name: &str, years: (i32, i32)) -> Identity {
        let mut params = params(&["edge.example"], common_name, years);
        let string = |text: &str| text.try_into().unwrap();
        params.subject_alt_names.push(rcgen::SanType::URI(string("spiffe://example/edge/7")));
        params.subject_alt_names.push(rcgen::SanType::Rfc822Name(string("edge@example")));
        self.issue(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Identity {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(serial.into());
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            cert: self.write(&format!("{serial}.pem"), cert.pem()),
            key: self.write(&format!("{serial}.key"), key.serialize_pem()),
            serial,
        }
    }

    /// A revocation list that names these and is to be renewed at the start of that year.
    pub(crate) fn revoke(&self, serials: &[u64], next_update: i32) -> PathBuf {
        self.revoke_at(serials, 2000, next_update)
    }

    /// The same, made at the start of a year.
    pub(crate) fn revoke_at(&self, serials: &[u64], this_update: i32, next_update: i32) -> PathBuf {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: date_time_ymd(2001, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(this_update, 1, 1),
            next_update: date_time_ymd(next_update, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        self.write(&format!("{next_update}.crl"), list.signed_by(&self.issuer).unwrap().pem().unwrap())
    }
}

impl Identity {
    pub(crate) fn files(&self) -> CertificateFiles {
        CertificateFiles { cert: self.cert.clone(), key: self.key.clone() }
    }

    /// A server that shows this certificate.
    pub(crate) fn serving(&self) -> ServerTlsConfig {
        ServerTlsConfig { certs: vec![self.files()], ..ServerTlsConfig::default() }
    }

    /// A client that shows this certificate.
    pub(crate) fn shown_by(&self, tls: ClientTls) -> ClientTls {
        tls.identity_files(&self.cert, &self.key)
    }
}
