//! Calls that go on through whatever happens to the gateway.

use frontier_sdk::{Code, Edge};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The deadline of each call.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// How late a deadline may be on a busy machine.
const MAX_LATENESS: Duration = Duration::from_secs(2);

/// Edges that call a method that echoes, one call after the other, whatever happens to them.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    tally: Mutex<Tally>,
}

/// What became of the calls.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls that got their own argument back.
    pub answered: u64,
    /// Calls that failed, by their code and text.
    pub failed: BTreeMap<String, u64>,
    /// What must not be: wrong answers, and calls that outlasted their deadline.
    pub wrong: Vec<String>,
}

impl Load {
    /// Has each edge call `method` with two callers.
    #[must_use]
    pub fn start(edges: &[Edge], method: &'static str) -> Self {
        let shared = Arc::<Shared>::default();
        let mut callers = JoinSet::new();
        for (number, edge) in edges.iter().chain(edges).enumerate() {
            callers.spawn(call(shared.clone(), edge.clone(), method, number));
        }
        Self { shared, callers }
    }

    /// Calls that were answered so far.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more calls were answered.
    pub async fn go_on(&self, more: u64) {
        let goal = self.answered() + more;
        let what = format!("{more} more calls are answered");
        let deadline = 2 * crate::DEADLINE;
        crate::eventually(deadline, &what, async || (self.answered() >= goal).then_some(())).await;
    }

    /// Ends the callers and tells what became of their calls.
    ///
    /// # Panics
    /// If a caller hangs.
    pub async fn stop(self) -> Tally {
        self.shared.stop.store(true, Ordering::Relaxed);
        crate::within("every caller ends", self.callers.join_all()).await;
        let tally = self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
        Tally { answered: self.shared.answered.load(Ordering::Relaxed), ..tally }
    }
}

impl Tally {
    /// How many calls failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

async fn call(shared: Arc<Shared>, edge: Edge, method: &'static str, number: usize) {
    let mut count = 0u64;
    while !shared.stop.load(Ordering::Relaxed) {
        count += 1;
        let request = format!("{number}/{count}");
        let start = Instant::now();
        let answer = edge.call(method, request.clone()).timeout(CALL_TIMEOUT).await;
        let took = start.elapsed();
        if answer.as_ref().is_ok_and(|answer| answer.data == request.as_bytes()) {
            shared.answered.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        {
            let mut tally = shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
            match &answer {
                Ok(answer) => tally.wrong.push(format!("{request} was answered with {:?}", answer.data)),
                Err(error) => *tally.failed.entry(error.to_string()).or_default() += 1,
            }
            if took > CALL_TIMEOUT + MAX_LATENESS {
                tally.wrong.push(format!("a call took {took:?}: {answer:?}"));
            }
        }
        // Errors that come at once are no reason to run hot.
        if answer.is_err_and(|error| error.code() != Code::Deadline) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
