//! Who is here, and who takes what. The registry never sends anything; who follows it is told by the [`Feed`].

mod edges;
mod elsewhere;
mod offered;
mod routes;
mod services;

pub(crate) use edges::Edges;
pub use edges::Superseded;
pub(crate) use elsewhere::{Elsewhere, Offerer};
pub use offered::{NameChange, NameChanges, NameFollower};
pub(crate) use routes::{Candidate, Candidates};
pub(crate) use services::Services;

use crate::Peer;
use crate::feed::{Connection, Feed};
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::Arc;

/// Everyone who is connected.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) edges: Edges,
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

/// Connections with other gateways: those that ask here, and those that are asked.
#[derive(Debug, Default)]
pub(crate) struct Gateways {
    /// By epoch. The same gateway may be there more than once.
    by_epoch: Mutex<AHashMap<u64, Arc<Peer>>>,
}

impl Gateways {
    pub(crate) fn add(&self, gateway: &Arc<Peer>) {
        self.by_epoch.lock().insert(gateway.epoch().0, gateway.clone());
    }

    pub(crate) fn remove(&self, gateway: &Arc<Peer>) {
        self.by_epoch.lock().remove(&gateway.epoch().0);
    }

    pub(crate) fn for_each(&self, visit: impl FnMut(&Arc<Peer>)) {
        self.by_epoch.lock().values().for_each(visit);
    }
}
