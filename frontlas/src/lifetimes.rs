use std::time::Duration;

/// How long things live in the directory without being refreshed, and how much of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A frontier, and what is on it. The heartbeat is a third of it. 30 s.
    pub alive: Duration,
    /// What is kept of an edge that has left, so that late reports of it are known as such: at least as
    /// long as reports may be late. Not below `alive`. 30 s.
    pub edge_meta: Duration,
    /// The same for services and frontiers. Not below `alive`. 30 s.
    pub service_meta: Duration,
    /// How many changes the history has. 65,536.
    pub history: usize,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let alive = Duration::from_secs(30);
        Self { alive, edge_meta: alive, service_meta: alive, history: 65_536 }
    }
}
