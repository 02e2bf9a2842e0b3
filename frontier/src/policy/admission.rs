//! Letting a peer in: what its credentials say, and what it may do by that.

use super::{Policies, Policy, service_id};
use frontier_access::authn::{PresentedCredentials, Verified};
use frontier_access::{ClockReading, Principal};
use frontier_exchange::{Authorization, AuthorizationCell, Exchange, Failure};
use frontier_protocol::{EdgeId, Role, ServiceId};
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
    /// `meta` of itself.
    ///
    /// # Errors
    /// What the peer is told.
    pub(crate) fn new(
        policies: &Policies,
        role: Role,
        listener: u16,
        addr: SocketAddr,
        presented: PresentedCredentials,
        meta: &[u8],
    ) -> Result<Self, Failure> {
        let policy = policies.current();
        let verified =
            policy.authenticate(role, listener, addr.ip(), &presented, meta, ClockReading::now())?;
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
        let peer = Principal { role, subject, edge_id, service, labels, address: addr.ip() };
        let access = &self.policy.access;
        let meter = access.quotas().connect(&peer, ClockReading::now().instant)?;
        let grants = access.rules().grants(&peer);
        Ok(AuthorizationCell::new(
            self.listener,
            Authorization::new(&self.presented, &self.verified, grants, meter),
        ))
    }
}
