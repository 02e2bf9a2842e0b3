//! The other gateways of the cluster, and what is to be done for them.

use frontier_protocol::{Other, Plan};
use std::sync::Arc;
use tokio::sync::watch;
use tracing::debug;

/// The other gateways of the cluster, as frontlas has last told of them. Empty without frontlas.
#[derive(Debug)]
pub(crate) struct KnownGateways(watch::Sender<Arc<Assignment>>);

/// What frontlas assigns to this gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// With how many edges this gateway should be left at least.
    pub(crate) keep: u64,
    /// How many it asks to move in a second.
    pub(crate) rate: u32,
    /// Those that should get edges first, then those with the fewest.
    pub(crate) others: Vec<Destination>,
}

/// Another gateway where new connections may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// How many edges it should get from here.
    pub(crate) want: u64,
    /// How many it has.
    pub(crate) edges: u64,
    /// Its addresses, as URLs.
    pub(crate) edgebound: String,
    pub(crate) servicebound: String,
}

impl Default for KnownGateways {
    fn default() -> Self {
        let nothing = Assignment { keep: u64::MAX, rate: 0, others: Vec::new() };
        Self(watch::Sender::new(Arc::new(nothing)))
    }
}

impl KnownGateways {
    /// Frontlas has told.
    pub(crate) fn update(&self, plan: &Plan<'_>) {
        let destination = |other: &Other<'_>| Destination {
            want: other.want,
            edges: other.edges,
            edgebound: other.edgebound.to_owned(),
            servicebound: other.servicebound.to_owned(),
        };
        let others: Vec<Destination> = plan.others.iter().map(destination).collect();
        let edges: Vec<u64> = others.iter().map(|other| other.edges).collect();
        debug!(?edges, "frontlas names the other gateways");
        self.0.send_replace(Arc::new(Assignment { keep: plan.keep, rate: plan.rate, others }));
    }

    /// Frontlas is away: who the others are is as good as ever, but no more edges are asked to move.
    pub(crate) fn pause(&self) {
        self.0.send_if_modified(|assignment| {
            let changes = assignment.keep != u64::MAX;
            if changes {
                *assignment = Arc::new(Assignment { keep: u64::MAX, ..Assignment::clone(assignment) });
            }
            changes
        });
    }

    pub(crate) fn current(&self) -> Arc<Assignment> {
        self.0.borrow().clone()
    }

    /// Hears of everything that is told from now on.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<Assignment>> {
        self.0.subscribe()
    }
}
