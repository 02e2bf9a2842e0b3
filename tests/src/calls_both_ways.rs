//! Calls between many edges and a service that must all be answered.

use frontier_sdk::{Edge, Error, Response};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Calls from edges and to edges, none of which may fail.
#[derive(Debug, Default)]
pub struct CallsBothWays {
    outcome: Arc<Outcome>,
    callers: JoinSet<()>,
}

/// What became of the calls so far.
#[derive(Debug, Default)]
pub struct Outcome {
    stop: AtomicBool,
    up: AtomicU64,
    down: AtomicU64,
    failed: Mutex<BTreeMap<String, u64>>,
}

impl Outcome {
    /// Whether callers are to call again.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Notes what an edge got.
    pub fn up(&self, answer: Result<Response, Error>) {
        self.note(&self.up, "an edge", answer);
    }

    /// Notes what a service got.
    pub fn down(&self, answer: Result<Response, Error>) {
        self.note(&self.down, "a service", answer);
    }

    fn note(&self, answered: &AtomicU64, who: &str, answer: Result<Response, Error>) {
        let Err(error) = answer else {
            answered.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed.entry(format!("{who}: {error}")).or_default() += 1;
    }
}

impl CallsBothWays {
    /// The deadline of each call: none may get lost, but a busy machine is slow.
    pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

    /// Has each edge call `echo`, with this pause in between.
    #[must_use]
    pub fn from_edges(edges: &[Edge], pause: Duration) -> Self {
        let mut calls = Self::default();
        for (number, edge) in edges.iter().cloned().enumerate() {
            // Not all at once.
            let delay = pause.mul_f64(number as f64 / edges.len() as f64);
            calls.spawn(async move |outcome| {
                tokio::time::sleep(delay).await;
                while outcome.goes_on() {
                    outcome.up(edge.call("echo", "up").timeout(Self::CALL_TIMEOUT).await);
                    tokio::time::sleep(pause).await;
                }
            });
        }
        calls
    }

    /// Adds a caller. It ends when the outcome says so.
    pub fn spawn<Running>(&mut self, caller: impl FnOnce(Arc<Outcome>) -> Running)
    where
        Running: Future<Output = ()> + Send + 'static,
    {
        self.callers.spawn(caller(self.outcome.clone()));
    }

    /// Waits until so many more calls each way were answered.
    pub async fn go_on(&self, more: u64) {
        let count = || [&self.outcome.up, &self.outcome.down].map(|count| count.load(Ordering::Relaxed));
        let goal = count().map(|count| count + more);
        crate::eventually(4 * crate::DEADLINE, "calls go on both ways", async || {
            let now = count();
            (now[0] >= goal[0] && now[1] >= goal[1]).then_some(())
        })
        .await;
    }

    /// Ends them.
    ///
    /// # Panics
    /// If a call has failed, or a caller hangs.
    pub async fn stop(self) {
        self.outcome.stop.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(3 * Self::CALL_TIMEOUT, self.callers.join_all()).await;
        ended.expect("every caller ends");
        let failed = self.outcome.failed.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(failed.is_empty(), "{failed:#?}");
    }
}
