//! The services and edges in whose names other gateways ask here.

use crate::policy::{Policies, Policy};
use ahash::AHashMap;
use frontier_access::Labels;
use frontier_access::rules::Grants;
use frontier_exchange::{AuthorizationCell, LocalCaller, LocalEdge, RemoteCaller, RemoteEdge};
use frontier_protocol::{EdgeId, Role, ServiceId};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;

/// What is remembered of the services of one origin gateway, in bytes of what it said of them.
const MAX_CACHED: usize = 1024 * 1024;

/// What an edge is counted as at least, in bytes: there may be many, and what is said of each is short.
const EDGE_COST: usize = 128;

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

/// An EdgeID, and what is said of the edge.
type EdgeKey = (u64, Box<[u8]>);

#[derive(Debug, Default)]
struct Cache {
    policy: Option<Arc<Policy>>,
    by_bytes: AHashMap<Box<[u8]>, Arc<RemoteCaller>>,
    /// What edges may do, by their EdgeID and what is said of them.
    edges: AHashMap<EdgeKey, Option<Arc<Grants>>>,
    size: usize,
}

impl Cache {
    /// The same, empty if it is of another policy or full.
    fn of(&mut self, policy: &Arc<Policy>, size: usize) -> &mut Self {
        let is_other = self.policy.as_ref().is_none_or(|before| !Arc::ptr_eq(before, policy));
        if is_other || self.size + size > MAX_CACHED {
            *self = Self { policy: Some(policy.clone()), ..Self::default() };
        }
        self
    }
}

impl RemoteCallers {
    pub(crate) fn new(policies: Arc<Policies>, is_verified: bool, address: IpAddr) -> Self {
        Self { policies, is_verified, address, cache: Mutex::default() }
    }

    /// The service that these bytes stand for.
    pub(crate) fn get(&self, caller: &[u8]) -> Arc<RemoteCaller> {
        let policy = self.policies.current();
        let mut cache = self.cache.lock();
        let cache = cache.of(&policy, 0);
        if let Some(found) = cache.by_bytes.get(caller) {
            return found.clone();
        }
        let found = Arc::new(self.decode(caller, &policy).unwrap_or_else(|| unreadable(caller)));
        let cache = cache.of(&policy, caller.len());
        cache.size += caller.len();
        cache.by_bytes.insert(caller.into(), found.clone());
        found
    }

    /// The edge `id`, of which these bytes are said.
    pub(crate) fn edge(&self, id: EdgeId, encoded: &[u8]) -> RemoteEdge {
        let policy = self.policies.current();
        let parsed = frontier_protocol::RemoteCaller::parse(encoded);
        let address = parsed.as_ref().and_then(|said| said.address).filter(|_| self.is_verified);
        let unreadable =
            parsed.is_none().then_some("the edge in whose name the gateway asks can't be decoded");
        let mut edge = RemoteEdge { id, address, grants: None, unreadable, is_verified: self.is_verified };
        let Some(said) = parsed.filter(|_| policy.access.rules().restrict()) else { return edge };
        let mut cache = self.cache.lock();
        let key: EdgeKey = (id.0, encoded.into());
        if let Some(known) = cache.of(&policy, 0).edges.get(&key) {
            edge.grants = known.clone();
            return edge;
        }
        match self.edge_grants(id, &said, &policy) {
            Some(grants) => edge.grants = (!grants.is_unrestricted()).then_some(grants),
            None => {
                edge.unreadable = Some("the edge in whose name the gateway asks has a label that can't be");
                return edge;
            }
        }
        let size = EDGE_COST + encoded.len();
        let cache = cache.of(&policy, size);
        cache.size += size;
        cache.edges.insert(key, edge.grants.clone());
        edge
    }

    /// `None` if a label can't be.
    fn edge_grants(
        &self,
        id: EdgeId,
        said: &frontier_protocol::RemoteCaller<'_>,
        policy: &Policy,
    ) -> Option<Arc<Grants>> {
        let principal = |labels: &Labels| {
            policy.access.rules().grants(&frontier_access::Principal {
                role: Role::Edge,
                subject: if self.is_verified { said.subject } else { "" },
                edge_id: Some(id),
                service: "",
                labels,
                // One that the other gateway knows no address of has none.
                address: if self.is_verified { said.address } else { Some(self.address) },
            })
        };
        Some(principal(&self.labels(said)?))
    }

    /// What is believed of the labels. `None` if one can't be.
    fn labels(&self, said: &frontier_protocol::RemoteCaller<'_>) -> Option<Labels> {
        let mut labels = Labels::new();
        if self.is_verified {
            for (key, value) in &said.labels {
                labels.set(key, value).ok()?;
            }
        }
        Some(labels)
    }

    /// From an origin gateway that showed nothing, which nobody asked it to, comes no more than from a service that
    /// showed nothing.
    fn decode(&self, encoded: &[u8], policy: &Policy) -> Option<RemoteCaller> {
        let caller = frontier_protocol::RemoteCaller::parse(encoded)?;
        if caller.id == ServiceId(0) {
            // Only what is said of an edge has no id of a service.
            return None;
        }
        let labels = self.labels(&caller)?;
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
    encode(caller.id, caller.name, caller.address, caller.authorization)
}

/// What is said of an edge of this gateway at another one, beside its id.
pub(crate) fn encode_edge(edge: LocalEdge<'_>) -> Vec<u8> {
    encode(ServiceId(0), "", edge.address, edge.authorization)
}

fn encode(id: ServiceId, name: &str, address: Option<IpAddr>, authorization: &AuthorizationCell) -> Vec<u8> {
    let authorization = authorization.get();
    let verified = authorization.as_ref().map(|it| &*it.verified);
    let mut out = Vec::with_capacity(64);
    let caller = frontier_protocol::RemoteCaller {
        id,
        name,
        subject: verified.map_or("", |verified| &verified.subject),
        labels: verified.map_or_else(Vec::new, |verified| verified.labels.iter().collect()),
        address,
    };
    caller.encode(&mut out);
    out
}

#[cfg(test)]
mod tests;
