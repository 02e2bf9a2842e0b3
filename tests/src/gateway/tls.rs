//! The TLS side of a gateway under test: its certificates, and whom it trusts.

use super::GatewayBuilder;
use crate::authority::replace;
use crate::{Authority, Identity, IdentityFiles};
use frontier_transport::Network;
use serde_json::{Value, json};

/// The file with the CAs of the edges' certificates, and that with the revoked ones.
const CLIENT_CAS_FILE: &str = "clients.pem";
const REVOKED_FILE: &str = "revoked.crl";

impl GatewayBuilder {
    /// Has one side, `edgebound` or `servicebound`, show these certificates.
    #[must_use]
    pub fn certificates(self, side: &str, identities: &[IdentityFiles]) -> Self {
        let pairs = identities.iter().map(|files| json!({ "cert": files.cert, "key": files.key }));
        self.set(&format!("{side}.listen.tls.certs"), pairs.collect::<Value>())
    }

    /// Lets in only edges with a certificate of `ca` that is none of these. Both are in files that a test
    /// may [replace](super::Gateway::trust).
    #[must_use]
    pub fn mtls(self, ca: &Authority, revoked: &[&Identity]) -> Self {
        let (cas, crl) = (self.file(CLIENT_CAS_FILE), self.file(REVOKED_FILE));
        replace(&cas, ca.pem());
        replace(&crl, ca.revoke(revoked));
        self.set("edgebound.listen.tls.mtls", true)
            .set("edgebound.listen.tls.ca_certs", json!([cas]))
            .set("edgebound.listen.tls.crls", json!([crl]))
    }
}

impl super::Gateway {
    /// Has it let in edges with a certificate of any of these CAs, once it reads its files again.
    pub fn trust(&self, cas: &[&Authority]) {
        let pems: String = cas.iter().map(|ca| ca.pem()).collect();
        let lists: String = cas.iter().map(|ca| ca.revoke(&[])).collect();
        replace(&self.dir().join(REVOKED_FILE), lists);
        replace(&self.dir().join(CLIENT_CAS_FILE), pems);
    }
}

/// Whether there is TLS on such a network.
pub(super) fn is_secured(network: Network) -> bool {
    matches!(network, Network::Tls | Network::Quic)
}
