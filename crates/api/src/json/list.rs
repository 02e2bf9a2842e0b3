//! Answers to requests for one of them, for lists, and for counts.

use super::record::{Edge, Frontier, Service};
use crate::number;
use serde::{Deserialize, Serialize};

/// The frontier of an edge, under its name and under the misspelt one that old clients know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneFrontier {
    /// The frontier.
    pub frontier: Frontier,
    /// The same.
    pub fontier: Frontier,
}

/// One edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneEdge {
    /// The edge.
    pub edge: Edge,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneService {
    /// The service.
    pub service: Service,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How many.
    #[serde(with = "number")]
    pub count: u64,
}

/// A list of frontiers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontiers {
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The frontiers; `None` for one that was requested by its id and is not there.
    pub frontiers: Vec<Option<Frontier>>,
}

/// A list of edges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edges {
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The edges; `None` for one that was requested by its id and is not there.
    pub edges: Vec<Option<Edge>>,
}

/// A list of services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The services; `None` for one that was requested by its id and is not there.
    pub services: Vec<Option<Service>>,
}
