use std::fmt;
use std::time::SystemTime;

/// What a peer presents. Neither is looked at unless a method of the listener asks for it.
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

/// The names in a client certificate whose chain, times and revocation have been checked before. Nothing here
/// is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
}

impl ClientCertificate {
    /// The name for logs and rules: the common name, or else the first alternative name.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        let alternatives = self.uris.iter().chain(&self.dns_names).chain(&self.emails);
        self.common_name.iter().chain(alternatives).map(String::as_str).find(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_shown() {
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
}
