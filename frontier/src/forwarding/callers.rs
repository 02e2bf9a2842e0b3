use crate::exchange::Failure;
use crate::peer::{Identity, Peer};
use crate::policy::{Policies, Policy};
use ahash::AHashMap;
use frontier_access::Labels;
use frontier_access::rules::Grants;
use frontier_protocol::{Code, RemoteCaller, Role, ServiceId};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;

/// What is remembered of the services of one forwarder, in bytes of what it told of them.
const MOST: usize = 1024 * 1024;

/// A service of another gateway, and what it may do here.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) id: ServiceId,
    pub(crate) name: Box<str>,
    /// `None` if it may do everything.
    pub(crate) grants: Option<Arc<Grants>>,
}

/// The services in whose names a forwarder asks here: read once, and looked at again when the policy is another.
#[derive(Debug)]
pub(crate) struct Callers {
    policies: Arc<Policies>,
    /// Whether the forwarder has shown who it is.
    is_verified: bool,
    /// The forwarder's.
    address: IpAddr,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    policy: Option<Arc<Policy>>,
    by_bytes: AHashMap<Box<[u8]>, Arc<Guest>>,
    size: usize,
}

impl Callers {
    pub(crate) fn new(policies: Arc<Policies>, is_verified: bool, address: IpAddr) -> Self {
        Self { policies, is_verified, address, known: Mutex::default() }
    }

    /// The service that these bytes stand for.
    ///
    /// # Errors
    /// If they stand for none.
    pub(crate) fn get(&self, caller: &[u8]) -> Result<Arc<Guest>, Failure> {
        let policy = self.policies.current();
        let mut known = self.known.lock();
        if known.policy.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &policy)) {
            *known = Known { policy: Some(policy.clone()), ..Known::default() };
        }
        if let Some(guest) = known.by_bytes.get(caller) {
            return Ok(guest.clone());
        }
        let guest = Arc::new(self.read(caller, &policy)?);
        if known.size + caller.len() > MOST {
            (known.by_bytes, known.size) = Default::default();
        }
        known.size += caller.len();
        known.by_bytes.insert(caller.into(), guest.clone());
        Ok(guest)
    }

    /// From a forwarder that showed nothing, which nobody asked it to, comes no more than from a service that
    /// showed nothing.
    fn read(&self, caller: &[u8], policy: &Policy) -> Result<Guest, Failure> {
        let broken = || Failure::new(Code::Protocol, "the service that asks can't be read");
        let caller = RemoteCaller::parse(caller).ok_or_else(broken)?;
        let mut labels = Labels::new();
        if self.is_verified {
            for (key, value) in &caller.labels {
                labels.set(key, value).map_err(|_| broken())?;
            }
        }
        let peer = frontier_access::Peer {
            role: Role::Service,
            subject: if self.is_verified { caller.subject } else { "" },
            edge_id: None,
            service: caller.name,
            labels: &labels,
            address: caller.address.filter(|_| self.is_verified).unwrap_or(self.address),
        };
        let grants = policy.access.rules().grants(&peer);
        let grants = (!grants.is_unrestricted()).then_some(grants);
        Ok(Guest { id: caller.id, name: caller.name.into(), grants })
    }
}

/// What stands for a service of this gateway at another one.
pub(crate) fn describe(service: &Peer) -> Vec<u8> {
    let Identity::Service { id, name } = &service.identity else { return Vec::new() };
    let standing = service.access.standing();
    let verified = standing.as_ref().map(|standing| &*standing.verified);
    let mut out = Vec::with_capacity(64);
    let caller = RemoteCaller {
        id: *id,
        name,
        subject: verified.map_or("", |verified| &verified.subject),
        labels: verified.map_or_else(Vec::new, |verified| verified.labels.iter().collect()),
        address: Some(service.addr.ip()),
    };
    caller.encode(&mut out);
    out
}

#[cfg(test)]
mod tests;
