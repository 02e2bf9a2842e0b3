//! Quotas: how much a peer may do per second.
//!
//! ```yaml
//! quotas:
//!   - for: edge                       # a budget for each edge, whatever connections it makes
//!     messages: {rate: 100, burst: 200}
//!     bytes: {rate: 10MiB}
//!   - for: {label: tenant}            # one for all peers with the same value of the label
//!     calls: {rate: 1000}
//!   - for: address                    # one for each IPv4 address or IPv6 /64
//!     who: {address: 0.0.0.0/0}
//!     connects: {rate: 30/m, burst: 10}
//! ```
//!
//! A quota is about edges, unless its `who` names services. Each that matches a peer holds: what it wants to do
//! must fit all of them, and what does not fit is charged to none. A peer without the label of a quota is not
//! under it.
//!
//! [`Quotas::connect`] charges for a connection and gives the peer its [`Meter`], which [`Meter::message`] and
//! the others ask. A check without a quota is a look at an empty list; with one it is an atomic operation on a
//! [`Bucket`], and waits for nobody.
//!
//! Buckets that peers share are kept in a map of bounded size, which forgets those that are full first, for a
//! new one is no different, and never those that a connection holds.

mod bucket;
mod file;
mod limit;
mod meter;
mod set;

pub use bucket::Bucket;
pub use file::QuotaConfig;
pub use limit::{Limit, Unit};
pub use meter::{Meter, QuotaExceeded};

use crate::bounded_map::BoundedMap;
use crate::network::host;
use crate::principal::Principal;
use frontier_protocol::{EdgeId, Role};
use parking_lot::Mutex;
use set::{BucketSet, Kind};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// How many buckets are remembered that no connection holds.
const REMEMBERED: usize = 65_536;

/// The quotas of a configuration, and what has been used of them.
pub struct Quotas {
    start: Instant,
    quotas: Vec<QuotaConfig>,
    buckets: Mutex<BoundedMap<Key, Arc<BucketSet>>>,
}

/// What a quota counts together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `edge`: what one EdgeID does.
    Edge,
    /// `address`: what comes from one address.
    Address,
    /// `{label: KEY}`: what all do that have the same value of this label.
    Label(String),
}

/// Whose budget it is: the number of the quota, and whom it counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key(usize, Whose);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Edge(EdgeId),
    Address(IpAddr),
    Label(Box<str>),
}

impl Quotas {
    /// Quotas of which nothing has been used.
    #[must_use]
    pub fn new(quotas: Vec<QuotaConfig>, now: Instant) -> Self {
        Self { start: now, quotas, buckets: Mutex::new(BoundedMap::new(REMEMBERED)) }
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &[QuotaConfig] {
        &self.quotas
    }

    /// Charges for a connection of `peer`, and gives what its further actions are counted with.
    ///
    /// # Errors
    /// [`QuotaExceeded`] with the time to wait, if it has connected too often.
    pub fn connect(&self, peer: &Principal<'_>, now: Instant) -> Result<Meter, QuotaExceeded> {
        let meter = self.meter(peer, now);
        meter.take(&[(Kind::Connects, 1)], now).map(|()| meter)
    }

    /// The meter without the charge: for a peer that is connected, when quotas have changed.
    #[must_use]
    pub fn meter(&self, peer: &Principal<'_>, now: Instant) -> Meter {
        let mut sets = Vec::new();
        for (index, quota) in self.quotas.iter().enumerate() {
            let about = quota.who.names_services() || peer.role == Role::Edge;
            if !about || !quota.who.matches(peer) {
                continue;
            }
            let whose = match &quota.scope {
                Scope::Edge => peer.edge_id.map(Whose::Edge),
                Scope::Address => peer.address.map(|address| Whose::Address(host(address))),
                Scope::Label(key) => peer.labels.get(key).map(|value| Whose::Label(value.into())),
            };
            if let Some(whose) = whose {
                sets.push(self.set(Key(index, whose), quota, now));
            }
        }
        Meter::new(self.start, sets)
    }

    fn set(&self, key: Key, quota: &QuotaConfig, now: Instant) -> Arc<BucketSet> {
        let nanos = bucket::nanos(self.start, now);
        let make = || Arc::new(BucketSet::new(quota));
        self.buckets.lock().entry(key, make, |set| BucketSet::retention(set, nanos)).clone()
    }
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quotas").field("quotas", &self.quotas).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
