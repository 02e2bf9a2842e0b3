//! A certificate of the transport as access takes it.

use frontier_access::authn::ClientCertificate;
use frontier_transport::PeerCertificate;

/// What authentication, and a later look at the chain, need of a certificate that a handshake has verified.
#[must_use]
pub fn client_certificate(certificate: &PeerCertificate) -> ClientCertificate {
    ClientCertificate {
        common_name: certificate.subject_common_name.clone(),
        dns_names: certificate.dns_names.clone(),
        uris: certificate.uris.clone(),
        emails: certificate.emails.clone(),
        not_after: Some(certificate.not_after),
        serial: certificate.serial.clone(),
        der: certificate.der.clone(),
        intermediates: certificate.intermediates.clone(),
    }
}
