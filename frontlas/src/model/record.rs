//! What queries give: frontiers, edges, services, and pages of them.

use super::Timestamp;

/// So many names of services are told of a frontier: enough to see where the same are offered.
pub(crate) const MAX_SERVICE_NAMES: usize = 64;

/// And so many bytes of them: each answer about a frontier has them.
pub(crate) const MAX_SERVICE_NAMES_SIZE: usize = 2048;

/// A living frontier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    /// Its id.
    pub id: String,
    /// Where services reach it, as it has said: a URL, or `host:port` for plain TCP.
    pub advertised_sb_addr: String,
    /// Where edges reach it, in the same way.
    pub advertised_eb_addr: String,
    /// How many edges are on it.
    pub edge_count: u64,
    /// How many services are on it.
    pub service_count: u64,
    /// Which names these have: each once, in the order of their bytes, the first 64 at most, of 2048 bytes
    /// together. Services without a name have the empty one.
    pub service_names: Vec<String>,
    /// Since when this process of it has been there.
    pub since: Timestamp,
    /// Whether it drains ([`Mark::Draining`](super::Mark)): who is there is reached there, but new connections
    /// should go elsewhere.
    pub draining: bool,
    /// Whether nobody is in touch with it ([`Mark::Away`](super::Mark)). It may be well, or dead.
    pub away: bool,
    /// Whether its edges reach services at other frontiers ([`Mark::Forwarding`](super::Mark)).
    pub forwarding: bool,
}

impl Frontier {
    /// Whether new connections should go there.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.draining && !self.away
    }
}

/// A connected edge on a living frontier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Its id.
    pub id: u64,
    /// The frontier that it is connected to.
    pub frontier_id: String,
    /// From where it is connected.
    pub addr: String,
    /// When the directory learned of it, in seconds since 1970.
    pub update_time: u64,
    /// When it connected, in directory time.
    pub stamp: Timestamp,
}

/// A connected service on a living frontier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub service: String,
    /// The frontier that it is connected to.
    pub frontier_id: String,
    /// From where it is connected.
    pub addr: String,
    /// When the directory learned of it, in seconds since 1970.
    pub update_time: u64,
    /// When it connected, in directory time.
    pub stamp: Timestamp,
}

/// A part of a list that is ordered by id.
///
/// What is there from the first page to the last is on exactly one of them, whatever else comes, goes or
/// moves between frontiers meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Ordered by id. Fewer than asked for, even none, does not mean that this was the last page.
    pub items: Vec<T>,
    /// The `from` of the next page; `None` after the last.
    pub next: Option<u64>,
}
