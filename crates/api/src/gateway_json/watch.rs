//! What a watch tells.

use super::{Edge, Service};
use crate::gateway::change::What;
use crate::{gateway, number};
use serde::{Deserialize, Serialize};

/// A part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The first part: forget what was known before.
    pub first: bool,
    /// The last part: changes follow.
    pub last: bool,
    /// Connected edges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
    /// Connected services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// An edge has connected.
    EdgeOnline {
        /// The edge.
        edge: Edge,
    },
    /// A connection of an edge has ended.
    EdgeOffline {
        /// Its id.
        #[serde(with = "number")]
        edge_id: u64,
        /// When it had connected.
        #[serde(with = "number")]
        stamp: u64,
    },
    /// A service has connected.
    ServiceOnline {
        /// The service.
        service: Service,
    },
    /// A connection of a service has ended.
    ServiceOffline {
        /// Its id.
        #[serde(with = "number")]
        service_id: u64,
        /// When it had connected.
        #[serde(with = "number")]
        stamp: u64,
    },
}

/// What goes through, each second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Calls that began.
    pub calls: Rate,
    /// Messages.
    pub messages: Rate,
    /// Streams that were opened.
    pub streams: Rate,
    /// Those that ended with an error.
    pub failed: Rate,
    /// How many edges are connected.
    #[serde(with = "number")]
    pub edges: u64,
    /// How many services are connected.
    #[serde(with = "number")]
    pub services: u64,
    /// How long the calls took that ended.
    #[serde(default)]
    pub latency: Latency,
}

/// How long calls took; what is absent had none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// From edges to services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_service: Option<Quantiles>,
    /// From services to edges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_edge: Option<Quantiles>,
    /// Both together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Quantiles>,
}

/// What a share of some durations has not exceeded, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many durations there were.
    #[serde(with = "number")]
    pub count: u64,
    /// Half of them.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p999: f64,
}

/// How many each second, by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// From edges to services.
    pub to_service: f64,
    /// From services to edges.
    pub to_edge: f64,
    /// Of the gateway itself.
    pub own: f64,
}

impl From<gateway::Snapshot> for Snapshot {
    fn from(part: gateway::Snapshot) -> Self {
        let gateway::Snapshot { edges, services, first, last } = part;
        let (edges, services) = (edges.into_iter().map(Into::into), services.into_iter().map(Into::into));
        Self { first, last, edges: edges.collect(), services: services.collect() }
    }
}

impl From<What> for Change {
    fn from(what: What) -> Self {
        match what {
            What::EdgeOnline(edge) => Self::EdgeOnline { edge: edge.into() },
            What::EdgeOffline(gateway::EdgeOffline { edge_id, stamp }) => {
                Self::EdgeOffline { edge_id, stamp }
            }
            What::ServiceOnline(service) => Self::ServiceOnline { service: service.into() },
            What::ServiceOffline(gateway::ServiceOffline { service_id, stamp }) => {
                Self::ServiceOffline { service_id, stamp }
            }
        }
    }
}

impl From<gateway::Rates> for Rates {
    fn from(rates: gateway::Rates) -> Self {
        let gateway::Rates { calls, messages, streams, failed, edges, services, latency } = rates;
        let quantiles = |it: gateway::Quantiles| {
            let gateway::Quantiles { count, p50, p90, p99, p999 } = it;
            Quantiles { count, p50, p90, p99, p999 }
        };
        let gateway::Latency { to_service, to_edge, all } = latency.unwrap_or_default();
        let rate = |rate: Option<gateway::Rate>| {
            let gateway::Rate { to_service, to_edge, own } = rate.unwrap_or_default();
            Rate { to_service, to_edge, own }
        };
        Self {
            calls: rate(calls),
            messages: rate(messages),
            streams: rate(streams),
            failed: rate(failed),
            edges,
            services,
            latency: Latency {
                to_service: to_service.map(quantiles),
                to_edge: to_edge.map(quantiles),
                all: all.map(quantiles),
            },
        }
    }
}
