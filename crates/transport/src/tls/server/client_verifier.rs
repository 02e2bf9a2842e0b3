//! Who looks at clients' certificates: the TLS library for all but revocation lists, for which it goes by the name of
//! their issuer alone.

use super::revocation::Revocations;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use std::sync::Arc;
use thiserror::Error as ThisError;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::asn1_rs::{Any, FromDer as _};

/// A list of ours is past its time, which is no fault of whoever is refused for it: no alert of TLS says so, and those
/// for which the library takes it would blame the client's CA.
#[derive(Debug, ThisError)]
#[error("a revocation list has expired")]
pub(crate) struct RevocationListExpired;

#[derive(Debug)]
pub(super) struct ClientVerifier {
    pub(super) inner: Arc<dyn ClientCertVerifier>,
    pub(super) roots: Arc<RootCertStore>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    /// That a way leads from the certificate to a CA on which no list speaks against anybody.
    fn check_lists(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        // The way that is tried: if there are several, one will do.
        let check = |path: &VerifiedPath<'_>| self.check_path(path, now);
        let algorithms = self.provider.signature_verification_algorithms.all;
        EndEntityCert::try_from(certificate)?
            .verify_for_usage(
                algorithms,
                &self.roots.roots,
                intermediates,
                now,
                KeyUsage::client_auth(),
                None,
                Some(&check),
            )
            .map(drop)
    }

    fn check_path(&self, path: &VerifiedPath<'_>, now: UnixTime) -> Result<(), webpki::Error> {
        let key_of = |certificate: &webpki::Cert<'_>| {
            let info = certificate.subject_public_key_info();
            Any::from_der(&info).map(|(_, info)| info.data.to_vec()).unwrap_or_default()
        };
        let mut certificate: &webpki::Cert<'_> = path.end_entity();
        for (depth, issuer) in path.intermediate_certificates().enumerate() {
            self.revocations.check(certificate, depth > 0, &key_of(issuer), now)?;
            certificate = issuer;
        }
        let is_ca = path.intermediate_certificates().next().is_some();
        self.revocations.check(certificate, is_ca, path.anchor().subject_public_key_info.as_ref(), now)
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // First without lists: what is wrong beside them has its own words.
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now)?;
        if self.revocations.is_empty() {
            return Ok(verified);
        }
        match self.check_lists(end_entity, intermediates, now) {
            Ok(()) => Ok(verified),
            Err(webpki::Error::CertRevoked) => Err(CertificateError::Revoked.into()),
            Err(webpki::Error::CrlExpired { .. }) => {
                Err(CertificateError::Other(OtherError(Arc::new(RevocationListExpired))).into())
            }
            Err(other) => Err(CertificateError::Other(OtherError(Arc::new(other))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
