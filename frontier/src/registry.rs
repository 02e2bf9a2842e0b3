//! Who is here, and who takes what. The registry never sends anything.

mod edges;
mod routes;
mod services;

pub(crate) use edges::Edges;
pub(crate) use routes::Candidate;
pub(crate) use services::{ServiceLimits, Services};

/// Everyone who is connected.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) edges: Edges,
    pub(crate) services: Services,
}
