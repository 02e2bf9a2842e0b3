//! Who is here, and who takes what. The registry never sends anything; who follows it is told by [`Changes`].

mod changes;
mod edges;
mod frontiers;
mod routes;
mod services;

pub(crate) use changes::{Change, Changes, Connection, Key, Overflow};
pub(crate) use edges::Edges;
pub(crate) use frontiers::Frontiers;
pub(crate) use routes::{Candidate, Candidates};
pub(crate) use services::{ServiceLimits, Services};

use crate::peer::Peer;
use std::sync::Arc;

/// Everyone who is connected.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) edges: Edges,
    pub(crate) services: Services,
    pub(crate) frontiers: Frontiers,
    /// For the one that follows.
    pub(crate) changes: Arc<Changes>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let changes = Arc::<Changes>::default();
        Self {
            edges: Edges::new(changes.clone()),
            services: Services::new(changes.clone()),
            frontiers: Frontiers::default(),
            changes,
        }
    }

    /// Everyone who can be reached. What changes from here on is kept in [`changes`](Self::changes).
    pub(crate) fn snapshot(&self) -> Vec<Connection> {
        self.changes.begin_snapshot();
        let mut all = Vec::new();
        let mut list = |peer: &Arc<Peer>| {
            if peer.is_listed() {
                all.push(Connection::of(peer));
            }
        };
        self.edges.for_each(&mut list);
        self.services.for_each(&mut list);
        self.changes.end_snapshot();
        all
    }
}

impl Registry {
    /// Calls `visit` with each who was let in: edges, services, and other gateways that ask here. What comes or
    /// goes meanwhile may be missed.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        self.edges.for_each(&mut visit);
        self.services.for_each(&mut visit);
        self.frontiers.for_each(|frontier| {
            if frontier.is_forwarder() {
                visit(frontier);
            }
        });
    }
}
