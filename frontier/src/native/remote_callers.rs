//! The services in whose names other gateways ask here.

use crate::policy::{Policies, Policy};
use ahash::AHashMap;
use frontier_access::Labels;
use frontier_exchange::{LocalCaller, RemoteCaller};
use frontier_protocol::{Role, ServiceId};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;

/// What is remembered of the services of one origin gateway, in bytes of what it said of them.
const MAX_CACHED: usize = 1024 * 1024;

/// The services in whose names one origin gateway asks here: decoded once, and again when the policy is another.
#[derive(Debug)]
pub(crate) struct RemoteCallers {
    policies: Arc<Policies>,
    /// Whether the origin gateway has shown who it is.
    is_verified: bool,
    /// The origin gateway's.
    address: IpAddr,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    policy: Option<Arc<Policy>>,
    by_bytes: AHashMap<Box<[u8]>, Arc<RemoteCaller>>,
    size: usize,
}

impl RemoteCallers {
    pub(crate) fn new(policies: Arc<Policies>, is_verified: bool, address: IpAddr) -> Self {
        Self { policies, is_verified, address, cache: Mutex::default() }
    }

    /// The service that these bytes stand for.
    pub(crate) fn get(&self, caller: &[u8]) -> Arc<RemoteCaller> {
        let policy = self.policies.current();
        let mut cache = self.cache.lock();
        if cache.policy.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &policy)) {
            *cache = Cache { policy: Some(policy.clone()), ..Cache::default() };
        }
        if let Some(found) = cache.by_bytes.get(caller) {
            return found.clone();
        }
        let found = Arc::new(self.decode(caller, &policy).unwrap_or_else(|| unreadable(caller)));
        if cache.size + caller.len() > MAX_CACHED {
            (cache.by_bytes, cache.size) = Default::default();
        }
        cache.size += caller.len();
        cache.by_bytes.insert(caller.into(), found.clone());
        found
    }

    /// From an origin gateway that showed nothing, which nobody asked it to, comes no more than from a service that
    /// showed nothing.
    fn decode(&self, encoded: &[u8], policy: &Policy) -> Option<RemoteCaller> {
        let caller = frontier_protocol::RemoteCaller::parse(encoded)?;
        let mut labels = Labels::new();
        if self.is_verified {
            for (key, value) in &caller.labels {
                labels.set(key, value).ok()?;
            }
        }
        let principal = frontier_access::Principal {
            role: Role::Service,
            subject: if self.is_verified { caller.subject } else { "" },
            edge_id: None,
            service: caller.name,
            labels: &labels,
            // One that the other gateway knows no address of has none.
            address: if self.is_verified { caller.address } else { Some(self.address) },
        };
        let grants = policy.access.rules().grants(&principal);
        let grants = (!grants.is_unrestricted()).then_some(grants);
        let name = caller.name.into();
        Some(RemoteCaller { id: caller.id, name, grants, unreadable: None, encoded: encoded.into() })
    }
}

/// Whose requests go back if their edge is not here, and else fail.
fn unreadable(encoded: &[u8]) -> RemoteCaller {
    RemoteCaller {
        id: ServiceId(0),
        name: Box::default(),
        grants: None,
        unreadable: Some("the service in whose name the gateway asks can't be decoded"),
        encoded: encoded.into(),
    }
}

/// What stands for a service of this gateway at another one.
pub(crate) fn encode_caller(caller: LocalCaller<'_>) -> Vec<u8> {
    let authorization = caller.authorization.get();
    let verified = authorization.as_ref().map(|it| &*it.verified);
    let mut out = Vec::with_capacity(64);
    let caller = frontier_protocol::RemoteCaller {
        id: caller.id,
        name: caller.name,
        subject: verified.map_or("", |verified| &verified.subject),
        labels: verified.map_or_else(Vec::new, |verified| verified.labels.iter().collect()),
        address: caller.address,
    };
    caller.encode(&mut out);
    out
}

#[cfg(test)]
mod tests;
