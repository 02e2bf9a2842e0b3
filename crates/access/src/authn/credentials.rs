//! What a peer presents: kept with the peer, and lent to whoever authenticates it.

use frontier_protocol::Token;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// What a peer presented when it connected, kept for as long as it is connected, because a later
/// configuration authenticates it again. The token is not shown.
#[derive(Clone, Debug, Default)]
pub struct PresentedCredentials {
    /// A static token or a JWT.
    pub token: Option<Token<'static>>,
    /// The certificate that it presented in the TLS or QUIC handshake, verified by that handshake.
    pub certificate: Option<Arc<ClientCertificate>>,
}

impl PresentedCredentials {
    /// Whether it presented nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.token.is_none() && self.certificate.is_none()
    }

    /// What an [`Authenticator`](super::Authenticator) is asked with.
    #[must_use]
    pub fn credentials(&self) -> Credentials<'_> {
        Credentials {
            token: self.token.as_ref().map(Token::expose),
            certificate: self.certificate.as_deref(),
        }
    }
}

/// What an authenticator is asked with. Neither is looked at unless a method of the listener asks for it.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// A static token or a JWT.
    pub token: Option<&'a str>,
    /// The certificate of a TLS or QUIC client, which the handshake has verified.
    pub certificate: Option<&'a ClientCertificate>,
}

/// The token is not shown.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("token", &self.token.map(|_| "****"))
            .field("certificate", &self.certificate)
            .finish()
    }
}

/// A client certificate whose chain, times and revocation have been checked before. Nothing here is secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The common name of the subject.
    pub common_name: Option<String>,
    /// The DNS names among the subject's alternative names.
    pub dns_names: Vec<String>,
    /// The URIs among them.
    pub uris: Vec<String>,
    /// The e-mail addresses among them.
    pub emails: Vec<String>,
    /// When it expires.
    pub not_after: Option<SystemTime>,
    /// The serial number in hexadecimal, in lower case, without separators.
    pub serial: String,
    /// The certificate itself.
    pub der: Vec<u8>,
    /// The certificates between it and the CA, as they were presented with it.
    pub intermediates: Vec<Vec<u8>>,
}

impl ClientCertificate {
    /// The chain as it was presented, the certificate first: for a verifier that looks at it again.
    #[must_use]
    pub fn chain(&self) -> Vec<&[u8]> {
        [&self.der].into_iter().chain(&self.intermediates).map(Vec::as_slice).collect()
    }

    /// The name for logs and rules: the common name, or else the first alternative name.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        let alternatives = self.uris.iter().chain(&self.dns_names).chain(&self.emails);
        self.common_name.iter().chain(alternatives).map(String::as_str).find(|name| !name.is_empty())
    }
}

/// Without the encoded certificates.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("common_name", &self.common_name)
            .field("dns_names", &self.dns_names)
            .field("uris", &self.uris)
            .field("emails", &self.emails)
            .field("not_after", &self.not_after)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_shown() {
        let presented = PresentedCredentials { token: Some(Token::new("hunter2")), certificate: None };
        assert!(!format!("{presented:?} {presented:#?}").contains("hunter2"));
        assert_eq!(presented.credentials().token, Some("hunter2"));
        assert!(!presented.is_empty() && PresentedCredentials::default().is_empty());
        let credentials = Credentials { token: Some("hunter2"), certificate: None };
        assert_eq!(format!("{credentials:?}"), r#"Credentials { token: Some("****"), certificate: None }"#);
    }

    #[test]
    fn the_subject_is_the_first_name_there_is() {
        let mut certificate = ClientCertificate {
            common_name: Some("cn".into()),
            dns_names: vec!["dns".into()],
            uris: vec!["uri".into()],
            ..ClientCertificate::default()
        };
        assert_eq!(certificate.subject(), Some("cn"));
        certificate.common_name = Some(String::new());
        assert_eq!(certificate.subject(), Some("uri"));
        assert_eq!(ClientCertificate::default().subject(), None);
    }

    #[test]
    fn the_chain_begins_with_the_certificate() {
        let certificate = ClientCertificate {
            der: vec![1],
            intermediates: vec![vec![2], vec![3]],
            ..ClientCertificate::default()
        };
        assert_eq!(certificate.chain(), [[1], [2], [3]]);
    }
}
