//! A frontier, an edge, a service.

use crate::cluster;
use crate::number;
use serde::{Deserialize, Serialize};

/// A frontier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    /// Its name in the cluster.
    pub frontier_id: String,
    /// Where services reach it: `host:port` where that is plain TCP, else a URL.
    pub advertised_sb_addr: String,
    /// Where edges reach it, in the same way.
    pub advertised_eb_addr: String,
    /// How many edges it has.
    #[serde(with = "number")]
    pub edge_count: u64,
    /// How many services it has.
    #[serde(with = "number")]
    pub service_count: u64,
    /// Whether it drains: new connections should go elsewhere.
    #[serde(default)]
    pub draining: bool,
    /// Whether its edges reach services at other gateways, too.
    #[serde(default)]
    pub forwarding: bool,
    /// Where services reach it, as a URL; empty from a frontlas of before.
    #[serde(default)]
    pub advertised_sb_url: String,
    /// Where edges reach it, in the same way.
    #[serde(default)]
    pub advertised_eb_url: String,
    /// Which names its services have, each once and in order, the first 64 at most; none from a frontlas of before.
    #[serde(default)]
    pub service_names: Vec<String>,
}

/// A connected edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Its id.
    #[serde(with = "number")]
    pub edge_id: u64,
    /// Where it connects from.
    pub addr: String,
    /// When the directory learned of it, in seconds since 1970.
    #[serde(with = "number")]
    pub update_time: u64,
    /// The frontier that it is connected to.
    pub frontier_id: String,
    /// When it connected, in microseconds since 1970.
    #[serde(with = "number")]
    pub stamp: u64,
}

/// A connected service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id.
    #[serde(with = "number")]
    pub service_id: u64,
    /// Its name.
    pub service: String,
    /// Where it connects from.
    pub addr: String,
    /// When the directory learned of it, in seconds since 1970.
    #[serde(with = "number")]
    pub update_time: u64,
    /// The frontier that it is connected to.
    pub frontier_id: String,
    /// When it connected, in microseconds since 1970.
    #[serde(with = "number")]
    pub stamp: u64,
}

impl From<cluster::Frontier> for Frontier {
    fn from(frontier: cluster::Frontier) -> Self {
        let cluster::Frontier {
            frontier_id,
            advertised_sb_addr,
            advertised_eb_addr,
            edge_count,
            service_count,
            draining,
            advertised_sb_url,
            advertised_eb_url,
            forwarding,
            service_names,
        } = frontier;
        Self {
            frontier_id,
            advertised_sb_addr,
            advertised_eb_addr,
            edge_count,
            service_count,
            draining,
            forwarding,
            advertised_sb_url,
            advertised_eb_url,
            service_names,
        }
    }
}

impl From<cluster::Edge> for Edge {
    fn from(edge: cluster::Edge) -> Self {
        let cluster::Edge { edge_id, addr, update_time, frontier_id, stamp } = edge;
        Self { edge_id, addr, update_time, frontier_id, stamp }
    }
}

impl From<cluster::Service> for Service {
    fn from(service: cluster::Service) -> Self {
        let cluster::Service { service_id, service, addr, update_time, frontier_id, stamp } = service;
        Self { service_id, service, addr, update_time, frontier_id, stamp }
    }
}
