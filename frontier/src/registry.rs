//! Who is here, and who takes what. The registry never sends anything.

mod edges;
mod routes;
mod services;

pub(crate) use edges::Edges;
pub(crate) use routes::Candidate;
pub(crate) use services::{ServiceLimits, Services};

use crate::peer::Peer;
use std::sync::Arc;

/// Everyone who is connected.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) edges: Edges,
    pub(crate) services: Services,
}

impl Registry {
    /// Calls `visit` with each edge and each service; what comes or goes meanwhile may be missed.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        self.edges.for_each(&mut visit);
        self.services.for_each(visit);
    }
}
