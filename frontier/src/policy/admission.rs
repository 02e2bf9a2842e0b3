//! Letting a peer in: what its credentials say, and what it may do by that.

use super::{Policies, Policy, service_id};
use frontier_access::authn::{PresentedCredentials, Verified};
use frontier_access::{ClockReading, Principal};
use frontier_exchange::{Authorization, AuthorizationCell, Exchange, Failure};
use frontier_protocol::{Code, EdgeId, Role, ServiceId};
use std::net::SocketAddr;
use std::sync::Arc;

/// A peer whose credentials were verified, on its way in.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    /// By which it was let in.
    pub(crate) policy: Arc<Policy>,
    pub(crate) verified: Arc<Verified>,
    role: Role,
    listener: u16,
    presented: Arc<PresentedCredentials>,
}

impl Admission {
    /// Looks at what is presented by somebody who connects from `addr` to the listener of this number, and says
    /// `meta` of itself. `then` held when it came: if another policy does now, its handshake may have gone by
    /// revocation lists and CAs that hold no more.
    ///
    /// # Errors
    /// What the peer is told.
    pub(crate) fn new(
        policies: &Policies,
        then: &Arc<Policy>,
        role: Role,
        listener: u16,
        addr: SocketAddr,
        presented: PresentedCredentials,
        meta: &[u8],
    ) -> Result<Self, Failure> {
        let (policy, at) = (policies.current(), ClockReading::now());
        if !Arc::ptr_eq(&policy, then) {
            let checked = policies.check_certificate(role, listener, &presented, at);
            checked.map_err(|error| Failure::new(Code::Unauthenticated, error.to_string()))?;
        }
        let verified = policy.authenticate(role, listener, addr.ip(), &presented, meta, at)?;
        Ok(Self { policy, verified: Arc::new(verified), role, listener, presented: Arc::new(presented) })
    }

    /// The id that the credentials of an edge fix.
    ///
    /// # Errors
    /// If it wants another one.
    pub(crate) fn edge_id(&self, wanted: u64) -> Result<Option<EdgeId>, Failure> {
        Ok(self.verified.confirm_edge((wanted != 0).then_some(EdgeId(wanted)))?)
    }

    /// The id that the credentials of a service fix.
    ///
    /// # Errors
    /// If it wants another one, or has another name.
    pub(crate) fn service_id(
        &self,
        exchange: &Exchange,
        name: &str,
        wanted: u64,
    ) -> Result<Option<ServiceId>, Failure> {
        let wanted = (wanted != 0).then_some(ServiceId(wanted));
        Ok(service_id::confirm(&self.verified, exchange, name, wanted)?)
    }

    /// Charges for the connection of the edge `id`, and says what it may do.
    ///
    /// # Errors
    /// If it has connected too often.
    pub(crate) fn edge(&self, id: EdgeId, addr: SocketAddr) -> Result<AuthorizationCell, Failure> {
        self.authorize(Role::Edge, Some(id), "", addr)
    }

    /// The same for a service of this name.
    ///
    /// # Errors
    /// If it has connected too often.
    pub(crate) fn service(&self, name: &str, addr: SocketAddr) -> Result<AuthorizationCell, Failure> {
        self.authorize(Role::Service, None, name, addr)
    }

    /// What the gateway `id` may do by itself, which is nothing: it asks for its services.
    ///
    /// # Errors
    /// If its credentials are for another one.
    pub(crate) fn gateway(&self, id: &str) -> Result<AuthorizationCell, Failure> {
        if self.asked_for_credentials() {
            self.verified.confirm_frontier(id)?;
        }
        Ok(AuthorizationCell::new(
            self.listener,
            Authorization::unrestricted(&self.presented, &self.verified),
        ))
    }

    /// Whether the listener asked for credentials.
    pub(crate) fn asked_for_credentials(&self) -> bool {
        self.policy.asks(self.role, self.listener)
    }

    fn authorize(
        &self,
        role: Role,
        edge_id: Option<EdgeId>,
        service: &str,
        addr: SocketAddr,
    ) -> Result<AuthorizationCell, Failure> {
        let Verified { subject, labels, .. } = &*self.verified;
        let peer = Principal { role, subject, edge_id, service, labels, address: Some(addr.ip()) };
        let access = &self.policy.access;
        let meter = access.quotas().connect(&peer, ClockReading::now().instant)?;
        let grants = access.rules().grants(&peer);
        Ok(AuthorizationCell::new(
            self.listener,
            Authorization::new(&self.presented, &self.verified, grants, meter),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::testing::ADDR;

    /// The configuration of a listener for edges that asks for certificates in this way.
    fn config(folder: &std::path::Path, mtls: &str) -> Config {
        let yaml = "
edgebound:
  listen:
    addr: 127.0.0.1:1
    tls:
      enable: true
      certs: [{cert: DIR/server.pem, key: DIR/server-key.pem}]
      mtls: MTLS
      ca_certs: [DIR/ca.pem]
";
        let yaml = yaml.replace("DIR", folder.to_str().unwrap()).replace("MTLS", mtls);
        Config::parse(&yaml, &|_| None).unwrap()
    }

    #[test]
    fn who_came_under_an_earlier_policy_is_judged_by_the_one_that_holds() {
        let folder = tempfile::tempdir().unwrap();
        let options = frontier_credentials::cert::Options::new(folder.path());
        frontier_credentials::cert::run(&options).unwrap();
        let (before, after) = (config(folder.path(), "optional"), config(folder.path(), "required"));
        let access = |config: &Config| crate::config::load(&config.access).unwrap();
        let policies = Policies::new(&before, access(&before));
        let then = policies.current();
        let admit = || Admission::new(&policies, &then, Role::Edge, 0, ADDR, Default::default(), b"");
        admit().expect("no certificate is needed");
        policies.replace(&after, access(&after));
        let refused = admit().unwrap_err();
        assert_eq!(refused.code, Code::Unauthenticated);
        assert_eq!(refused.text, "the client has shown no certificate");
    }
}
