//! How much is kept of each frontier.

use crate::Kind;
use frontier_config::Section;

/// The most records of one frontier. What it reports beyond is refused; what is there stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// `max_edges`: edges. 1,000,000, as many as a gateway has by default.
    pub edges: usize,
    /// `max_services`: services. 100,000.
    pub services: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { edges: 1_000_000, services: 100_000 }
    }
}

impl Bounds {
    /// Reads the section `frontier_plane`.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let range = 1..=100_000_000;
        Self {
            edges: section.within("max_edges", default.edges, range.clone()),
            services: section.within("max_services", default.services, range),
        }
    }

    /// Of this kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> usize {
        match kind {
            Kind::Edge => self.edges,
            Kind::Service => self.services,
        }
    }

    /// The key that sets it.
    #[must_use]
    pub fn key(kind: Kind) -> &'static str {
        match kind {
            Kind::Edge => "frontier_plane.max_edges",
            Kind::Service => "frontier_plane.max_services",
        }
    }
}
