//! Calls both ways through a cluster, of which each must be answered or fail in time.

use frontier_sdk::{ClusterService, Edge, EdgeId, Error, Response};
use frontier_tests::{DEADLINE, eventually};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// The deadline of each call.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// How late a deadline may be on a busy machine.
const MAX_LATENESS: Duration = Duration::from_secs(10);

/// Calls under way, both ways, and what became of them.
pub(crate) struct Calls {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    up: AtomicU64,
    down: AtomicU64,
    failed: Mutex<Vec<Failure>>,
}

/// A call that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) way: Way,
    pub(crate) edge: u64,
    pub(crate) error: Error,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// An edge.
    Up,
    /// The service.
    Down,
}

/// How often is called.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// The pause of each edge between two calls.
    pub(crate) edge: Duration,
    /// The pause of each of the service's callers.
    pub(crate) service: Duration,
    pub(crate) callers: usize,
}

impl Calls {
    /// Has each edge call the service, and the service one edge after the other.
    pub(crate) fn start(edges: &[Edge], service: &ClusterService, pace: Pace) -> Self {
        let shared = Arc::<Shared>::default();
        let mut callers = JoinSet::new();
        for (number, edge) in edges.iter().cloned().enumerate() {
            let shared = shared.clone();
            // Not all at once.
            let offset = pace.edge.mul_f64(number as f64 / edges.len() as f64);
            callers.spawn(async move {
                tokio::time::sleep(offset).await;
                while shared.goes_on() {
                    let answer = answered(edge.call("echo", "up")).await;
                    shared.note(Way::Up, edge.id(), "up", answer);
                    tokio::time::sleep(pace.edge).await;
                }
            });
        }
        let ids: Arc<Vec<EdgeId>> = Arc::new(edges.iter().map(Edge::id).collect());
        for caller in 0..pace.callers {
            let (shared, ids, service) = (shared.clone(), ids.clone(), service.clone());
            callers.spawn(async move {
                for id in ids.iter().cycle().skip(caller * ids.len() / pace.callers) {
                    if !shared.goes_on() {
                        return;
                    }
                    let answer = answered(service.call(*id, "echo", "down")).await;
                    shared.note(Way::Down, *id, "down", answer);
                    tokio::time::sleep(pace.service).await;
                }
            });
        }
        Self { shared, callers }
    }

    /// How many were answered, up and down.
    pub(crate) fn answered(&self) -> [u64; 2] {
        [&self.shared.up, &self.shared.down].map(|count| count.load(Ordering::Relaxed))
    }

    /// Waits until so many more calls each way were answered.
    pub(crate) async fn go_on(&self, more: u64) {
        let goal = self.answered().map(|count| count + more);
        eventually(4 * DEADLINE, "calls go on both ways", async || {
            let now = self.answered();
            (now[0] >= goal[0] && now[1] >= goal[1]).then_some(())
        })
        .await;
    }

    /// Ends them. Each has been answered, or has failed in time.
    pub(crate) async fn stop(self) -> Vec<Failure> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(2 * CALL_TIMEOUT + MAX_LATENESS, self.callers.join_all()).await;
        ended.expect("every caller ends");
        self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn note(&self, way: Way, edge: EdgeId, request: &str, answer: Result<Response, Error>) {
        match answer {
            Ok(answer) => {
                assert_eq!(answer.data, request);
                let count = if way == Way::Up { &self.up } else { &self.down };
                count.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.push(Failure { way, edge: edge.0, error });
            }
        }
    }
}

/// What becomes of a call, which is something within its deadline.
pub(crate) async fn answered(call: frontier_sdk::Call<'_>) -> Result<Response, Error> {
    let call = call.timeout(CALL_TIMEOUT).into_future();
    tokio::time::timeout(CALL_TIMEOUT + MAX_LATENESS, call)
        .await
        .expect("a call is answered, or fails, in time")
}
