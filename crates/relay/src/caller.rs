//! Who sends a message: by its credentials, or by its address where none are asked for.

use frontier_access::authn::{AuthnError, Credentials, Side, Verified};
use frontier_access::{Access, ClockReading, Principal};
use frontier_admin::{ApiError, Caller, bearer_token};
use frontier_protocol::{EdgeId, Role};
use http::{HeaderMap, Uri};
use std::net::IpAddr;
use std::sync::Arc;

/// The section, and the name under which [`Access`] has what is asked here.
pub const PLANE: &str = "relay";

/// Who sends a message. An extension of each request that is let pass.
#[derive(Clone, Debug)]
pub struct Who {
    /// What its credentials say.
    pub verified: Arc<Verified>,
    /// Where from, if that is known.
    pub address: Option<IpAddr>,
    /// The edge that it is, if it is one.
    pub edge_id: Option<EdgeId>,
}

impl Who {
    /// Whose rate counts: the name of the credentials, or the edge or the address where none were asked for.
    pub(crate) fn name(&self) -> String {
        match (&*self.verified.subject, self.edge_id, self.address) {
            ("", Some(edge), _) => format!("edge:{}", edge.0),
            ("", None, Some(address)) => address.to_string(),
            (subject, _, _) => subject.to_owned(),
        }
    }

    /// Whether the rules let it publish under this name.
    ///
    /// # Errors
    /// Which rule does not.
    pub(crate) fn may_publish(&self, access: &Access, name: &str) -> Result<(), String> {
        // A job is neither a service nor an edge with an id, so no rule for either is about it.
        let principal = Principal {
            role: Role::Edge,
            subject: &self.verified.subject,
            edge_id: self.edge_id,
            service: "",
            labels: &self.verified.labels,
            address: self.address,
        };
        access.rules().grants(&principal).may_publish(name).map_err(|denied| denied.to_string())
    }
}

/// Who sends this request.
///
/// # Errors
/// Why it is turned away.
pub(crate) fn identify(
    access: &Access,
    caller: &Caller,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Who, ApiError> {
    caller.check_certificate().map_err(|error| ApiError::Unauthenticated(error.to_string()))?;
    let address = caller.addr.ip();
    let Some(authenticator) = access.authenticator(PLANE).filter(|it| !it.is_none()) else {
        // A page could have its own name lead to this machine.
        caller.check_host(uri, headers)?;
        return Ok(Who { verified: Arc::default(), address: Some(address), edge_id: None });
    };
    let credentials =
        Credentials { token: bearer_token(headers), certificate: caller.certificate.as_deref() };
    let verified = access.authenticate(authenticator, Side::Job, address, &credentials, ClockReading::now());
    let verified = verified.map_err(|error| {
        let text = error.to_string();
        match error {
            AuthnError::Throttled { retry_after } => ApiError::Throttled { reason: text, retry_after },
            _ => ApiError::Unauthenticated(text),
        }
    })?;
    Ok(Who { verified: Arc::new(verified), address: Some(address), edge_id: None })
}
