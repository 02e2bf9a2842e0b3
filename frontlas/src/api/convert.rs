//! From the directory's records and errors to those of the API.

use crate::DirectoryError;
use crate::model::advertised::{addr, url};
use crate::model::{Change, Edge, Former, Frontier, NewFrontier, Position, Service};
use frontier_access::PeerText;
use frontier_admin::ApiError;
use frontier_api::cluster;
use frontier_api::cluster::change::What;

impl From<Frontier> for cluster::Frontier {
    fn from(frontier: Frontier) -> Self {
        let Frontier {
            id,
            advertised_sb_addr,
            advertised_eb_addr,
            edge_count,
            service_count,
            service_names,
            draining,
            forwarding,
            ..
        } = frontier;
        Self {
            frontier_id: id,
            advertised_sb_addr: addr(&advertised_sb_addr).to_owned(),
            advertised_eb_addr: addr(&advertised_eb_addr).to_owned(),
            edge_count,
            service_count,
            draining,
            forwarding,
            advertised_sb_url: url(&advertised_sb_addr),
            advertised_eb_url: url(&advertised_eb_addr),
            service_names,
        }
    }
}

impl From<NewFrontier> for cluster::Frontier {
    fn from(frontier: NewFrontier) -> Self {
        let NewFrontier { id, advertised_sb_addr, advertised_eb_addr } = frontier;
        Self {
            frontier_id: id,
            advertised_sb_addr: addr(&advertised_sb_addr).to_owned(),
            advertised_eb_addr: addr(&advertised_eb_addr).to_owned(),
            advertised_sb_url: url(&advertised_sb_addr),
            advertised_eb_url: url(&advertised_eb_addr),
            ..Self::default()
        }
    }
}

impl From<Edge> for cluster::Edge {
    fn from(edge: Edge) -> Self {
        let Edge { id, frontier_id, addr, update_time, stamp } = edge;
        Self { edge_id: id, addr, update_time, frontier_id, stamp: stamp.0 }
    }
}

impl From<Service> for cluster::Service {
    fn from(service: Service) -> Self {
        let Service { id, service, frontier_id, addr, update_time, stamp } = service;
        Self { service, addr, update_time, frontier_id, service_id: id, stamp: stamp.0 }
    }
}

impl From<Position> for cluster::Position {
    fn from(Position { history, number }: Position) -> Self {
        Self { history, number }
    }
}

impl From<cluster::Position> for Position {
    fn from(cluster::Position { history, number }: cluster::Position) -> Self {
        Self { history, number }
    }
}

impl From<Change> for What {
    fn from(change: Change) -> Self {
        let frontier_of = |former: Option<Former>| former.map(|it| it.frontier_id).unwrap_or_default();
        match change {
            Change::FrontierOnline(frontier) => Self::FrontierOnline(frontier.into()),
            Change::FrontierDraining(frontier) => {
                Self::FrontierOnline(cluster::Frontier { draining: true, ..frontier.into() })
            }
            Change::FrontierOffline { frontier_id } => {
                Self::FrontierOffline(cluster::FrontierOffline { frontier_id })
            }
            Change::EdgeOnline { edge, former } => Self::EdgeOnline(cluster::EdgeOnline {
                edge: Some(edge.into()),
                former_frontier_id: frontier_of(former),
            }),
            Change::EdgeOffline { edge_id, frontier_id, stamp } => {
                Self::EdgeOffline(cluster::EdgeOffline { edge_id, frontier_id, stamp: stamp.0 })
            }
            Change::ServiceOnline { service, former } => Self::ServiceOnline(cluster::ServiceOnline {
                service: Some(service.into()),
                former_frontier_id: frontier_of(former),
            }),
            Change::ServiceOffline { service_id, frontier_id, stamp } => {
                Self::ServiceOffline(cluster::ServiceOffline { service_id, frontier_id, stamp: stamp.0 })
            }
        }
    }
}

impl From<DirectoryError> for ApiError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Unavailable(reason) => {
                // The reason may name hosts, which are not for clients.
                tracing::debug!(reason = %PeerText(reason), "a query failed: the directory does not answer");
                Self::Unavailable("the directory")
            }
            DirectoryError::Invalid(invalid) => Self::Invalid(invalid.to_string()),
            // Only operations with a lease fail like this.
            DirectoryError::Lost | DirectoryError::Replaced => {
                tracing::error!(error = %PeerText(error), "a query failed as only reports may");
                Self::Internal
            }
        }
    }
}
