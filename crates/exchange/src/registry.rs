//! Who is here, and who takes what. The registry never sends anything; who follows it is told by the [`Feed`].

mod by_epoch;
mod draft;
mod edge_methods;
mod edges;
mod elsewhere;
mod lists;
mod method_lists;
mod name_map;
mod offered;
mod offers;
mod routes;
mod services;

pub(crate) use edge_methods::EdgeMethods;
pub use edges::ClaimError;
pub(crate) use edges::{Displaced, Edges};
pub(crate) use elsewhere::{Elsewhere, Offerer};
pub(crate) use method_lists::MethodList;
pub use offered::{NameChange, NameChanges, NameFollower};
pub(crate) use routes::{Candidate, Candidates};
pub use services::Held;
pub(crate) use services::Services;

use crate::Peer;
use crate::feed::{Connection, Feed};
use by_epoch::ByEpoch;
use std::sync::Arc;

/// Everyone who is connected.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) edges: Edges,
    pub(crate) edge_methods: EdgeMethods,
    pub(crate) services: Services,
    pub(crate) gateways: Gateways,
    pub(crate) elsewhere: Elsewhere,
    pub(crate) feed: Arc<Feed>,
}

impl Registry {
    /// Of the gateway with this id in its cluster, if it is part of one; with `offers` others are told what its services
    /// take.
    pub(crate) fn new(gateway_id: Option<Box<str>>, offers: bool) -> Self {
        let feed = Arc::<Feed>::default();
        Self {
            edges: Edges::new(feed.clone()),
            edge_methods: EdgeMethods::default(),
            services: Services::new(feed.clone(), gateway_id, offers),
            gateways: Gateways::default(),
            elsewhere: Elsewhere::default(),
            feed,
        }
    }

    /// Everyone who can be reached.
    pub(crate) fn listed(&self) -> Vec<Connection> {
        let mut all = Vec::new();
        let mut list = |peer: &Arc<Peer>| {
            if peer.is_listed() {
                all.push(Connection::of(peer));
            }
        };
        self.edges.for_each(&mut list);
        self.services.for_each(&mut list);
        all
    }
}

/// Connections with other gateways: those that ask here, and those that are asked. The same gateway may be there more
/// than once.
#[derive(Debug, Default)]
pub(crate) struct Gateways(ByEpoch);

impl Gateways {
    pub(crate) fn add(&self, gateway: &Arc<Peer>) {
        self.0.add(gateway);
    }

    pub(crate) fn remove(&self, gateway: &Arc<Peer>) {
        self.0.remove(gateway);
    }

    /// As many as `count` of them with epochs greater than `after`, in the order of their epochs.
    pub(crate) fn some(&self, after: Option<u64>, count: usize) -> Vec<Arc<Peer>> {
        self.0.some(after, count)
    }

    pub(crate) fn for_each(&self, visit: impl FnMut(&Arc<Peer>)) {
        self.some(None, usize::MAX).iter().for_each(visit);
    }
}
