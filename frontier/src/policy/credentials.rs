use frontier_access::authn::{ClientCertificate, Credentials};
use frontier_protocol::Token;
use frontier_transport::PeerCertificate;
use std::sync::Arc;

/// What a peer showed when it connected. It is kept, so that a later policy can look at it again; `Debug` does
/// not show the token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) token: Option<Token<'static>>,
    /// Verified in the handshake.
    pub(crate) certificate: Option<Arc<PeerCertificate>>,
}

impl Shown {
    pub(crate) fn is_nothing(&self) -> bool {
        self.token.is_none() && self.certificate.is_none()
    }

    /// The names of its certificate.
    pub(super) fn client_certificate(&self) -> Option<ClientCertificate> {
        let certificate = self.certificate.as_deref()?;
        Some(ClientCertificate {
            common_name: certificate.subject_common_name.clone(),
            dns_names: certificate.dns_names.clone(),
            uris: certificate.uris.clone(),
            emails: certificate.emails.clone(),
            not_after: Some(certificate.not_after),
        })
    }

    pub(super) fn credentials<'a>(&'a self, certificate: Option<&'a ClientCertificate>) -> Credentials<'a> {
        Credentials { token: self.token.as_ref().map(Token::expose), certificate }
    }
}
