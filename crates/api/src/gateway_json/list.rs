//! Pages of lists.

use super::{Edge, Service};
use crate::gateway;
use serde::{Deserialize, Serialize};

/// A page of edges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edges {
    /// The edges of the page.
    pub edges: Vec<Edge>,
    /// How many match.
    pub count: i32,
    /// The `page_token` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next_page_token: String,
}

/// A page of services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// The services of the page.
    pub services: Vec<Service>,
    /// How many match.
    pub count: i32,
    /// The `page_token` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next_page_token: String,
}

/// A page of methods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rpcs {
    /// The methods of the page.
    pub rpcs: Vec<String>,
    /// How many match.
    pub count: i32,
    /// The `page_token` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next_page_token: String,
}

/// A page of topics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topics {
    /// The topics of the page.
    pub topics: Vec<String>,
    /// How many match.
    pub count: i32,
    /// The `page_token` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next_page_token: String,
}

impl From<gateway::ListEdgesResponse> for Edges {
    fn from(answer: gateway::ListEdgesResponse) -> Self {
        let gateway::ListEdgesResponse { edges, count, next_page_token } = answer;
        Self { edges: edges.into_iter().map(Into::into).collect(), count, next_page_token }
    }
}

impl From<gateway::ListServicesResponse> for Services {
    fn from(answer: gateway::ListServicesResponse) -> Self {
        let gateway::ListServicesResponse { services, count, next_page_token } = answer;
        Self { services: services.into_iter().map(Into::into).collect(), count, next_page_token }
    }
}

impl From<gateway::ListEdgeRpCsResponse> for Rpcs {
    fn from(answer: gateway::ListEdgeRpCsResponse) -> Self {
        let gateway::ListEdgeRpCsResponse { rpcs, count, next_page_token } = answer;
        Self { rpcs, count, next_page_token }
    }
}

impl From<gateway::ListServiceRpCsResponse> for Rpcs {
    fn from(answer: gateway::ListServiceRpCsResponse) -> Self {
        let gateway::ListServiceRpCsResponse { rpcs, count, next_page_token } = answer;
        Self { rpcs, count, next_page_token }
    }
}

impl From<gateway::ListServiceTopicsResponse> for Topics {
    fn from(answer: gateway::ListServiceTopicsResponse) -> Self {
        let gateway::ListServiceTopicsResponse { topics, count, next_page_token } = answer;
        Self { topics, count, next_page_token }
    }
}
