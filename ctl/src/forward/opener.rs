//! Who opens streams, and to whom: a service to an edge, or an edge to a service.

use super::local::To;
use super::name::edge_id;
use crate::failure::Outcome;
use crate::identity::Identity;
use crate::settings::Settings;
use frontier_sdk::{Closed, Edge, EdgeId, Error, Service, Stream};

/// A client and its peer. From here on both kinds are the same.
pub(super) enum Opener {
    ToEdge(Service, EdgeId),
    ToService(Edge, String),
}

impl Opener {
    pub(super) async fn connect(to: &To, identity: &Identity, settings: &Settings) -> Outcome<Self> {
        match (&to.edge, &to.service) {
            (Some(edge), _) => {
                let service = settings.connect_service(settings.service(identity)).await?;
                Ok(Self::ToEdge(service, edge_id(edge)))
            }
            (None, service) => {
                let edge = settings.connect_edge(settings.edge(identity)).await?;
                Ok(Self::ToService(edge, service.clone().unwrap_or_default()))
            }
        }
    }

    /// Opens a stream. While the connection is lost it waits for the next one, up to the timeout.
    pub(super) async fn open(&self, meta: String) -> Result<Stream, Error> {
        match self {
            Self::ToEdge(service, edge) => service.open_stream(*edge).meta(meta).await,
            Self::ToService(edge, service) => edge.open_stream(service).meta(meta).await,
        }
    }

    pub(super) async fn closed(&self) -> Closed {
        match self {
            Self::ToEdge(service, _) => service.closed().await,
            Self::ToService(edge, _) => edge.closed().await,
        }
    }
}
