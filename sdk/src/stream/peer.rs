//! The other end of a stream: an edge or a service.

use frontier_protocol::{EdgeId, ServiceId};
use std::fmt;

/// Who is at the other end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An edge.
    Edge(EdgeId),
    /// A service.
    Service {
        /// Its id. Unknown to whoever opened the stream by name.
        id: Option<ServiceId>,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edge(id) => write!(f, "edge {id}"),
            Self::Service { id: Some(id), name } => write!(f, "service {name} ({id})"),
            Self::Service { id: None, name } => write!(f, "service {name}"),
        }
    }
}
