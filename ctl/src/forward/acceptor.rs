//! Who takes streams: an edge or a service.

use super::name::edge_id;
use super::remote::Options;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use crate::subscribe::Side;
use frontier_sdk::{Closed, Edge, Service, Stream};

/// A client. From here on both kinds are the same.
pub(super) enum Acceptor {
    Edge(Edge),
    Service(Service),
}

impl Acceptor {
    pub(super) async fn connect(options: &Options, settings: &Settings) -> Outcome<Self> {
        let mut identity = options.identity();
        match options.side {
            Side::Service => Ok(Self::Service(settings.connect_service(settings.service(&identity)).await?)),
            Side::Edge => {
                let id = edge_id(&options.name);
                identity.id = Some(id.0);
                let edge = settings.connect_edge(settings.edge(&identity)).await?;
                let given = edge.id();
                if given == id {
                    return Ok(Self::Edge(edge));
                }
                let text = format!(
                    "asked for the id {} and got {}: `forward local` would not find it",
                    id.0, given.0
                );
                Err(Failure::new(Exit::Failure, text).advise(
                    "a service gives out the ids here, or edgebound.allow_requested_id is off: take the id \
                             that the edge gets as its --name",
                ))
            }
        }
    }

    pub(super) async fn accept(&self) -> Option<Stream> {
        match self {
            Self::Edge(edge) => edge.accept_stream().await,
            Self::Service(service) => service.accept_stream().await,
        }
    }

    pub(super) async fn closed(&self) -> Closed {
        match self {
            Self::Edge(edge) => edge.closed().await,
            Self::Service(service) => service.closed().await,
        }
    }
}
