//! Client certificates: from the names in a certificate to an identity.
//!
//! That the certificate is genuine is for the TLS handshake to check. What is left is to say which of its names
//! stands for what, with [`Template`]s such as `uri:urn:frontier:edge:{id}`.

mod template;

pub use template::Template;

use super::{AuthnError, ClientCertificate, OperatorRole, Side, Verified};
use crate::pattern::Pattern;
use frontier_config::Section;
use frontier_protocol::{EdgeId, ServiceId};
use std::time::SystemTime;

/// An `mtls` method: which names of a client certificate mean what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MtlsConfig {
    /// `edge_id`: the form of the name that fixes the EdgeID, such as `uri:urn:frontier:edge:{id}`.
    pub edge_id: Option<Template>,
    /// `service`: the form of the name that fixes the name of a service, such as `dns:{name}.svc.example`.
    pub service: Option<Template>,
    /// `service_id`: the form of the name that fixes the ServiceID.
    pub service_id: Option<Template>,
    /// `frontier`: the form of the name that says which frontier it may be.
    pub frontier: Option<Template>,
    /// `role`: the form of the name that says what an operator may do: read, operate or admin.
    pub role: Option<Template>,
    /// `labels`: the forms of names that become labels; a certificate without such a name has no such label.
    pub labels: Vec<(String, Template)>,
}

impl MtlsConfig {
    pub(crate) fn read(mtls: &Section<'_>) -> Self {
        Self {
            edge_id: mtls.optional("edge_id"),
            service: mtls.optional("service"),
            service_id: mtls.optional("service_id"),
            frontier: mtls.optional("frontier"),
            role: mtls.optional("role"),
            labels: mtls.map("labels"),
        }
    }
}

impl MtlsConfig {
    /// Who presents `certificate`, on this side.
    ///
    /// # Errors
    /// [`AuthnError::NoClientCertificate`]; [`AuthnError::Expired`], which the handshake has checked too but a
    /// later look has not; [`AuthnError::NoName`] or [`AuthnError::AmbiguousName`] if it does not have exactly
    /// one name of a form that this side needs.
    pub fn verify(
        &self,
        certificate: Option<&ClientCertificate>,
        side: Side,
        now: SystemTime,
    ) -> Result<Verified, AuthnError> {
        let certificate = certificate.ok_or(AuthnError::NoClientCertificate)?;
        if certificate.not_after.is_some_and(|end| now > end) {
            return Err(AuthnError::Expired);
        }
        let (edge, service) = (side == Side::Edge, side == Side::Service);
        let mut verified = Verified {
            subject: certificate.subject().unwrap_or("a certificate without a name").to_owned(),
            edge_id: id(self.edge_id.as_ref(), certificate, edge, "EdgeID")?.map(EdgeId),
            service: one(self.service.as_ref(), certificate, service, "service")?,
            service_id: id(self.service_id.as_ref(), certificate, service, "ServiceID")?.map(ServiceId),
            // A name is that of one frontier, whatever stands in it.
            frontier: one(self.frontier.as_ref(), certificate, false, "frontier")?
                .map(|id| Pattern::literal(&id)),
            role: role(self.role.as_ref(), certificate)?,
            expires: certificate.not_after,
            ..Verified::default()
        };
        for (key, template) in &self.labels {
            if let Some(value) = one(Some(template), certificate, false, "label")? {
                let set = verified.labels.set(key, &value);
                set.map_err(|_| AuthnError::NoName("label"))?;
            }
        }
        Ok(verified)
    }
}

/// The only name of this form; `None` where there is none and none is needed.
fn one(
    template: Option<&Template>,
    certificate: &ClientCertificate,
    required: bool,
    what: &'static str,
) -> Result<Option<String>, AuthnError> {
    let Some(template) = template else { return Ok(None) };
    let mut names = template.take(certificate);
    match (names.pop(), names.is_empty()) {
        (Some(name), true) => Ok(Some(name)),
        (Some(_), false) => Err(AuthnError::AmbiguousName(what)),
        (None, _) if required => Err(AuthnError::NoName(what)),
        (None, _) => Ok(None),
    }
}

/// A name of the form that is no role is a mistake of whoever issued it, and not to be passed over.
fn role(
    template: Option<&Template>,
    certificate: &ClientCertificate,
) -> Result<Option<OperatorRole>, AuthnError> {
    let Some(name) = one(template, certificate, false, "role")? else { return Ok(None) };
    OperatorRole::parse(&name).map(Some).ok_or(AuthnError::NoName("role"))
}

fn id(
    template: Option<&Template>,
    certificate: &ClientCertificate,
    required: bool,
    what: &'static str,
) -> Result<Option<u64>, AuthnError> {
    let Some(text) = one(template, certificate, required, what)? else { return Ok(None) };
    let number = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
    number.filter(|&id| id != 0).map(Some).ok_or(AuthnError::NoName(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    const END: SystemTime = UNIX_EPOCH;

    fn config() -> MtlsConfig {
        let template = |text| Template::parse(text);
        MtlsConfig {
            edge_id: template("uri:urn:frontier:edge:{id}"),
            service: template("dns:{name}.svc.example"),
            service_id: None,
            frontier: template("dns:{id}.gw.example"),
            role: template("uri:urn:frontier:role:{role}"),
            labels: vec![("region".into(), template("uri:urn:frontier:region:{value}").unwrap())],
        }
    }

    fn certificate(uris: &[&str], dns_names: &[&str]) -> ClientCertificate {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        ClientCertificate {
            common_name: Some("sensor".into()),
            uris: owned(uris),
            dns_names: owned(dns_names),
            not_after: Some(END),
            ..ClientCertificate::default()
        }
    }

    fn verify(uris: &[&str], dns_names: &[&str], side: Side) -> Result<Verified, AuthnError> {
        config().verify(Some(&certificate(uris, dns_names)), side, END)
    }

    #[test]
    fn names_become_an_identity() {
        let edge = verify(&["urn:frontier:edge:7", "urn:frontier:region:eu"], &[], Side::Edge).unwrap();
        assert_eq!((&*edge.subject, edge.edge_id, edge.expires), ("sensor", Some(EdgeId(7)), Some(END)));
        assert_eq!(edge.labels.to_string(), "region=eu");
        let service = verify(&[], &["files.svc.example"], Side::Service).unwrap();
        assert_eq!((service.service.as_deref(), service.edge_id), (Some("files"), None));
        assert_eq!(service.frontier, None);
        let frontier = verify(&[], &["f1.gw.example"], Side::Frontier).unwrap();
        assert_eq!((frontier.frontier.as_deref(), frontier.service), (Some("f1"), None));
        let operator = verify(&["urn:frontier:role:operate"], &[], Side::Operator).unwrap();
        assert_eq!((operator.role, operator.frontier), (Some(OperatorRole::Operate), None));
        let error = verify(&["urn:frontier:role:root"], &[], Side::Operator).unwrap_err();
        assert_eq!(error, AuthnError::NoName("role"));
    }

    #[test]
    fn the_name_of_a_frontier_is_no_pattern() {
        let config = MtlsConfig { frontier: Template::parse("cn:{id}"), ..MtlsConfig::default() };
        let named = ClientCertificate { common_name: Some("gw?".into()), ..ClientCertificate::default() };
        let verified = config.verify(Some(&named), Side::Frontier, END).unwrap();
        assert_eq!(verified.confirm_frontier("gw?"), Ok(()));
        assert_eq!(verified.confirm_frontier("gw1"), Err(AuthnError::NameMismatch("frontier")));
    }

    #[test]
    fn no_certificate_is_an_error_of_its_own() {
        let error = config().verify(None, Side::Edge, END).unwrap_err();
        assert_eq!(error.to_string(), "credentials are missing: a client certificate is needed here");
    }

    #[test]
    fn a_name_that_is_needed_must_be_there() {
        for uri in
            ["urn:frontier:edge:x", "urn:frontier:edge:0", "urn:frontier:edge:99999999999999999999", "urn:x"]
        {
            let error = verify(&[uri], &[], Side::Edge).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the client certificate names no EdgeID in the form that is expected here",
                "{uri}"
            );
        }
        assert_eq!(verify(&[], &["example"], Side::Service), Err(AuthnError::NoName("service")));
    }

    #[test]
    fn two_names_are_not_one() {
        let error = verify(&["urn:frontier:edge:7", "urn:frontier:edge:8"], &[], Side::Edge).unwrap_err();
        assert_eq!(error.to_string(), "the client certificate names more than one EdgeID");
    }

    #[test]
    fn an_expired_certificate_is_refused() {
        let late = END + Duration::from_secs(1);
        let expired = config().verify(Some(&certificate(&[], &[])), Side::Edge, late);
        assert_eq!(expired, Err(AuthnError::Expired));
    }

    #[test]
    fn without_templates_any_certificate_is_good() {
        let verified = MtlsConfig::default().verify(Some(&certificate(&[], &[])), Side::Edge, END).unwrap();
        assert_eq!((&*verified.subject, verified.edge_id), ("sensor", None));
    }
}
