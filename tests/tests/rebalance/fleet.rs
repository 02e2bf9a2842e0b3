//! Many edges that call and are called while they are moved.

use frontier_sdk::{ClusterService, Edge, Status};
use frontier_tests::CallsBothWays;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Edges that connect at the same time.
const CONNECTS_AT_ONCE: usize = 25;

/// How many calls the service has under way.
const CALLERS: usize = 2;

/// The pause between two calls of such a caller.
const CALL_INTERVAL: Duration = Duration::from_millis(10);

/// Edges that answer and call.
pub(crate) struct Fleet(Arc<Vec<Edge>>);

impl Fleet {
    pub(crate) async fn connect(count: u64, edge: impl Fn(u64) -> frontier_sdk::Builder<Edge>) -> Self {
        let mut edges = Vec::new();
        let mut connecting = JoinSet::new();
        for number in 0..count {
            connecting.spawn(edge(number).connect());
            if connecting.len() == CONNECTS_AT_ONCE || number + 1 == count {
                let connected = std::mem::take(&mut connecting).join_all().await;
                edges.extend(connected.into_iter().map(|edge| edge.expect("an edge")));
            }
        }
        Self(Arc::new(edges))
    }

    /// Each has the connection and the id that it began with, as far as its user can tell.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let connected = self.0.iter().filter(|edge| edge.status().get() == Status::Connected);
        let mut ids: Vec<u64> = connected.map(|edge| edge.id().0).collect();
        ids.sort_unstable();
        ids
    }

    /// Calls from each edge with this pause in between, and from the service to the edges, until they are
    /// stopped.
    pub(crate) fn calls(&self, service: &ClusterService, pause: Duration) -> CallsBothWays {
        let mut calls = self.calls_up(pause);
        for caller in 0..CALLERS {
            let (edges, service) = (self.0.clone(), service.clone());
            calls.spawn(async move |outcome| {
                for edge in edges.iter().cycle().skip(caller * edges.len() / CALLERS) {
                    if !outcome.goes_on() {
                        return;
                    }
                    let call = service.call(edge.id(), "echo", "down").timeout(CallsBothWays::CALL_TIMEOUT);
                    outcome.down(call.await);
                    tokio::time::sleep(CALL_INTERVAL).await;
                }
            });
        }
        calls
    }

    /// Calls from each edge with this pause in between, until they are stopped.
    pub(crate) fn calls_up(&self, pause: Duration) -> CallsBothWays {
        CallsBothWays::from_edges(&self.0, pause)
    }

    /// Has the service call every edge.
    pub(crate) async fn answers(&self, service: &ClusterService) {
        for edge in &*self.0 {
            let answer = service.call(edge.id(), "echo", "all").timeout(CallsBothWays::CALL_TIMEOUT).await;
            assert_eq!(answer.map(|answer| answer.data), Ok("all".into()), "edge {}", edge.id());
        }
    }
}
