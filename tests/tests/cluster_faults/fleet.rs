//! Many edges that come through frontlas, and a count of those that lose their connection.

use crate::world::World;
use frontier_sdk::{ConnectError, Edge, Status};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// Edges that connect at the same time.
const CONNECTS_AT_ONCE: usize = 50;

/// Connects edges with these ids through frontlas, some at a time; ordered by id.
pub(crate) async fn connect(world: &World, ids: RangeInclusive<u64>) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut connecting: JoinSet<Result<Edge, ConnectError>> = JoinSet::new();
    let mut take = |edge: Option<Result<Result<Edge, ConnectError>, _>>| {
        let edge: Result<_, tokio::task::JoinError> = edge.expect("one is connecting");
        edges.push(edge.expect("no panic").expect("an edge connects"));
    };
    for id in ids {
        if connecting.len() == CONNECTS_AT_ONCE {
            take(connecting.join_next().await);
        }
        connecting.spawn(world.edge(id).connect());
    }
    while !connecting.is_empty() {
        take(connecting.join_next().await);
    }
    edges.sort_unstable_by_key(|edge| edge.id().0);
    edges
}

/// Counts what becomes of connections that should stay.
#[derive(Clone, Default)]
pub(crate) struct Losses(Arc<AtomicUsize>);

impl Losses {
    /// Watches these edges, for as long as they live.
    pub(crate) fn of(edges: &[Edge]) -> Self {
        let losses = Self::default();
        for edge in edges {
            let (mut status, losses) = (edge.status(), losses.clone());
            tokio::spawn(async move {
                while status.changed().await == Status::Reconnecting {
                    losses.0.fetch_add(1, Ordering::Relaxed);
                    status.changed().await;
                }
            });
        }
        losses
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
