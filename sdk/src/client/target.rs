//! What a request goes through: one client, or those of a cluster.

use super::Client;
#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::stream::StreamConfig;
use std::sync::Arc;
use std::time::Duration;

/// What carries a request to the other side.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A client, over the connection that it has.
    Client(&'a Arc<Client>),
    /// Those of a cluster's clients that reach the edge.
    #[cfg(feature = "cluster")]
    Cluster(&'a Arc<Cluster>),
}

/// The same, kept.
#[derive(Clone)]
pub(crate) enum OwnTarget {
    Client(Arc<Client>),
    #[cfg(feature = "cluster")]
    Cluster(Arc<Cluster>),
}

impl OwnTarget {
    /// Whether it is this one.
    pub(crate) fn is(&self, target: Target<'_>) -> bool {
        match (self, target) {
            (Self::Client(own), Target::Client(other)) => Arc::ptr_eq(own, other),
            #[cfg(feature = "cluster")]
            (Self::Cluster(own), Target::Cluster(other)) => Arc::ptr_eq(own, other),
            #[cfg(feature = "cluster")]
            _ => false,
        }
    }

    /// The client that it is, unless it is one of each of many gateways.
    pub(crate) fn client(&self) -> Option<&Arc<Client>> {
        match self {
            Self::Client(client) => Some(client),
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => None,
        }
    }
}

impl<'a> Target<'a> {
    pub(crate) fn to_own(self) -> OwnTarget {
        match self {
            Self::Client(client) => OwnTarget::Client(client.clone()),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => OwnTarget::Cluster(cluster.clone()),
        }
    }

    pub(crate) fn client(self) -> Option<&'a Arc<Client>> {
        match self {
            Self::Client(client) => Some(client),
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => None,
        }
    }

    /// How long something may take that has no time of its own.
    pub(crate) fn call_timeout(self) -> Duration {
        match self {
            Self::Client(client) => client.options.call_timeout,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.options.call_timeout,
        }
    }

    /// The limits of a stream that has none of its own.
    pub(crate) fn stream_config(self) -> StreamConfig {
        match self {
            Self::Client(client) => client.options.stream.clone(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.options.stream.clone(),
        }
    }
}
