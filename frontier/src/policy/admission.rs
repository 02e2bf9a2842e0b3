use super::{Policies, Policy, Slot, Standing, service_id};
use crate::exchange::Failure;
use crate::registry::Services;
use frontier_access::authn::{PresentedCredentials, Verified};
use frontier_access::{ClockReading, Principal};
use frontier_protocol::{EdgeId, Role, ServiceId};
use std::net::SocketAddr;
use std::sync::Arc;

/// A peer that has shown who it is, on its way in.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    /// By which it was let in.
    pub(crate) policy: Arc<Policy>,
    pub(crate) verified: Arc<Verified>,
    role: Role,
    listener: u16,
    shown: Arc<PresentedCredentials>,
}

impl Admission {
    /// Looks at what is shown by somebody who connects from `addr` to the listener of this number, and says
    /// `meta` of itself.
    ///
    /// # Errors
    /// What the peer is told.
    pub(crate) fn new(
        policies: &Policies,
        role: Role,
        listener: u16,
        addr: SocketAddr,
        shown: PresentedCredentials,
        meta: &[u8],
    ) -> Result<Self, Failure> {
        let policy = policies.current();
        let verified = policy.authenticate(role, listener, addr.ip(), &shown, meta, ClockReading::now())?;
        Ok(Self { policy, verified: Arc::new(verified), role, listener, shown: Arc::new(shown) })
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
        services: &Services,
        name: &str,
        wanted: u64,
    ) -> Result<Option<ServiceId>, Failure> {
        let wanted = (wanted != 0).then_some(ServiceId(wanted));
        Ok(service_id::confirm(&self.verified, services, name, wanted)?)
    }

    /// Charges for the connection of the edge `id`, and says what it may do.
    ///
    /// # Errors
    /// If it has connected too often.
    pub(crate) fn edge(&self, id: EdgeId, addr: SocketAddr) -> Result<Slot, Failure> {
        self.slot(Role::Edge, Some(id), "", addr)
    }

    /// The same for a service of this name.
    ///
    /// # Errors
    /// If it has connected too often.
    pub(crate) fn service(&self, name: &str, addr: SocketAddr) -> Result<Slot, Failure> {
        self.slot(Role::Service, None, name, addr)
    }

    /// What the gateway `id` may do by itself, which is nothing: it asks for its services.
    ///
    /// # Errors
    /// If its credentials are for another one.
    pub(crate) fn frontier(&self, id: &str) -> Result<Slot, Failure> {
        if self.is_shown() {
            self.verified.confirm_frontier(id)?;
        }
        Ok(Slot::new(self.listener, Standing::bare(&self.shown, &self.verified)))
    }

    /// Whether the listener asked for credentials.
    pub(crate) fn is_shown(&self) -> bool {
        self.policy.asks(self.role, self.listener)
    }

    fn slot(
        &self,
        role: Role,
        edge_id: Option<EdgeId>,
        service: &str,
        addr: SocketAddr,
    ) -> Result<Slot, Failure> {
        let Verified { subject, labels, .. } = &*self.verified;
        let peer = Principal { role, subject, edge_id, service, labels, address: addr.ip() };
        let access = &self.policy.access;
        let meter = access.quotas().connect(&peer, ClockReading::now().instant)?;
        let grants = access.rules().grants(&peer);
        Ok(Slot::new(self.listener, Standing::new(&self.shown, &self.verified, grants, meter)))
    }
}
