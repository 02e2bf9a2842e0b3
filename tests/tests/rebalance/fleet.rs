use frontier_sdk::{ClusterService, Edge, Error, Response, Status};
use frontier_tests::{DEADLINE, eventually};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// Edges that connect at the same time.
const AT_ONCE: usize = 25;

/// The deadline of each call: none may get lost, but a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many calls the service has under way.
const CALLERS: usize = 2;

/// The pause between two calls of such a caller.
const BREATH: Duration = Duration::from_millis(10);

/// Edges that answer and call.
pub(crate) struct Fleet(Arc<Vec<Edge>>);

impl Fleet {
    pub(crate) async fn connect(count: u64, edge: impl Fn(u64) -> frontier_sdk::Builder<Edge>) -> Self {
        let mut edges = Vec::new();
        let mut connecting = JoinSet::new();
        for number in 0..count {
            connecting.spawn(edge(number).connect());
            if connecting.len() == AT_ONCE || number + 1 == count {
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
    pub(crate) fn calls(&self, service: &ClusterService, pause: Duration) -> Calls {
        let shared = Arc::<Shared>::default();
        let mut callers = JoinSet::new();
        let count = self.0.len();
        for (number, edge) in self.0.iter().cloned().enumerate() {
            let shared = shared.clone();
            callers.spawn(async move {
                // Not all at once.
                tokio::time::sleep(pause.mul_f64(number as f64 / count as f64)).await;
                while shared.goes_on() {
                    let call = edge.call("echo", "up").timeout(PATIENCE);
                    shared.note(&shared.up, "an edge", call.await);
                    tokio::time::sleep(pause).await;
                }
            });
        }
        for caller in 0..CALLERS {
            let (shared, edges, service) = (shared.clone(), self.0.clone(), service.clone());
            callers.spawn(async move {
                for edge in edges.iter().cycle().skip(caller * count / CALLERS) {
                    if !shared.goes_on() {
                        return;
                    }
                    let call = service.call(edge.id(), "echo", "down").timeout(PATIENCE);
                    shared.note(&shared.down, "the service", call.await);
                    tokio::time::sleep(BREATH).await;
                }
            });
        }
        Calls { shared, callers }
    }

    /// Has the service call every edge.
    pub(crate) async fn answers(&self, service: &ClusterService) {
        for edge in &*self.0 {
            let answer = service.call(edge.id(), "echo", "all").timeout(PATIENCE).await;
            assert_eq!(answer.map(|answer| answer.data), Ok("all".into()), "edge {}", edge.id());
        }
    }
}

/// Calls under way, and what became of them.
pub(crate) struct Calls {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    up: AtomicU64,
    down: AtomicU64,
    failed: Mutex<BTreeMap<String, u64>>,
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn note(&self, answered: &AtomicU64, who: &str, answer: Result<Response, Error>) {
        let Err(error) = answer else {
            answered.fetch_add(1, Ordering::Relaxed);
            return;
        };
        *self.failed.lock().unwrap().entry(format!("{who}: {error}")).or_default() += 1;
    }
}

impl Calls {
    /// Waits until so many more calls each way were answered.
    pub(crate) async fn go_on(&self, more: u64) {
        let count = || [&self.shared.up, &self.shared.down].map(|count| count.load(Ordering::Relaxed));
        let goal = count().map(|count| count + more);
        eventually(4 * DEADLINE, "calls go on both ways", async || {
            let now = count();
            (now[0] >= goal[0] && now[1] >= goal[1]).then_some(())
        })
        .await;
    }

    /// Ends them. None may have failed.
    pub(crate) async fn stop(self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(3 * PATIENCE, self.callers.join_all()).await;
        ended.expect("every caller ends");
        let failed = self.shared.failed.lock().unwrap();
        assert!(failed.is_empty(), "{failed:#?}");
    }
}
