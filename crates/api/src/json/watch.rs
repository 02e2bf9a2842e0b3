//! The events of a watch.

use super::record::{Edge, Frontier, Service};
use crate::cluster;
use crate::cluster::change::What;
use crate::number;
use serde::{Deserialize, Serialize};

/// The data of the event `snapshot`: a part of it. The last part's event has an id, the position that the
/// changes go on from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The first part: forget what was known before.
    pub first: bool,
    /// The last part: changes follow.
    pub last: bool,
    /// Living frontiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontiers: Vec<Frontier>,
    /// Connected edges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
    /// Connected services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
}

/// The data of the event `change`: what is so from now on. The event's id is its position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// A frontier has come, without edges and services, has other addresses, or drains.
    FrontierOnline {
        /// The frontier.
        frontier: Frontier,
    },
    /// A frontier has gone and everything on it, but what has since been told to be elsewhere.
    FrontierOffline {
        /// Its id.
        frontier_id: String,
    },
    /// An edge has connected, or has moved here.
    EdgeOnline {
        /// The edge as it is now.
        edge: Edge,
        /// The living frontier that it was connected to before, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former_frontier_id: Option<String>,
    },
    /// An edge has left.
    EdgeOffline {
        /// Its id.
        #[serde(with = "number")]
        edge_id: u64,
        /// The frontier that it was connected to.
        frontier_id: String,
        /// When it had connected.
        #[serde(with = "number")]
        stamp: u64,
    },
    /// A service has connected, or has moved here.
    ServiceOnline {
        /// The service as it is now.
        service: Service,
        /// The living frontier that it was connected to before, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former_frontier_id: Option<String>,
    },
    /// A service has left.
    ServiceOffline {
        /// Its id.
        #[serde(with = "number")]
        service_id: u64,
        /// The frontier that it was connected to.
        frontier_id: String,
        /// When it had connected.
        #[serde(with = "number")]
        stamp: u64,
    },
}

impl From<cluster::Snapshot> for Snapshot {
    fn from(part: cluster::Snapshot) -> Self {
        let cluster::Snapshot { frontiers, edges, services, first, last } = part;
        Self {
            first,
            last,
            frontiers: frontiers.into_iter().map(Into::into).collect(),
            edges: edges.into_iter().map(Into::into).collect(),
            services: services.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<What> for Change {
    fn from(what: What) -> Self {
        let former = |id: String| (!id.is_empty()).then_some(id);
        match what {
            What::FrontierOnline(frontier) => Self::FrontierOnline { frontier: frontier.into() },
            What::FrontierOffline(gone) => Self::FrontierOffline { frontier_id: gone.frontier_id },
            What::EdgeOnline(online) => Self::EdgeOnline {
                edge: online.edge.unwrap_or_default().into(),
                former_frontier_id: former(online.former_frontier_id),
            },
            What::EdgeOffline(cluster::EdgeOffline { edge_id, frontier_id, stamp }) => {
                Self::EdgeOffline { edge_id, frontier_id, stamp }
            }
            What::ServiceOnline(online) => Self::ServiceOnline {
                service: online.service.unwrap_or_default().into(),
                former_frontier_id: former(online.former_frontier_id),
            },
            What::ServiceOffline(cluster::ServiceOffline { service_id, frontier_id, stamp }) => {
                Self::ServiceOffline { service_id, frontier_id, stamp }
            }
        }
    }
}
