//! Tells tasks to stop and waits until they have.

use std::fmt;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;

/// The side that ends the work; held by `main`. [`Drain::watch`] gives the other side to those who do it.
///
/// ```
/// # use std::time::Duration;
/// # use frontier_daemon::shutdown::Drain;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let drain = Drain::new();
/// let watch = drain.watch();
/// drain.watch().spawn(async move {
///     watch.stopping().await;
///     // … finish what is under way …
/// });
/// assert!(drain.finish(Duration::from_secs(10)).await.is_ok());
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Drain {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Drain {
    /// A drain that nobody takes part in yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The side of a task: it hears when to stop, and it is waited for.
    #[must_use]
    pub fn watch(&self) -> DrainWatch {
        DrainWatch { stop: self.stop.clone(), tasks: self.tasks.clone() }
    }

    /// Tells everyone to stop and waits until every spawned task has ended, also those spawned meanwhile.
    ///
    /// # Errors
    /// If the deadline passes first: how many tasks still run. They are left running.
    ///
    /// # Cancel safety
    /// Dropped early, the tasks have been told to stop but are not waited for.
    pub async fn finish(self, deadline: Duration) -> Result<(), StillRunning> {
        self.stop.cancel();
        self.tasks.close();
        timeout(deadline, self.tasks.wait()).await.map_err(|_| StillRunning { tasks: self.tasks.len() })
    }
}

/// A task's side of a [`Drain`]. Cheap to clone; a clone alone is not waited for, only what is spawned
/// through it.
#[derive(Clone, Debug)]
pub struct DrainWatch {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl DrainWatch {
    /// Spawns a task that the drain waits for. Must be called inside a Tokio runtime.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Completes when the drain starts, at once if it already has.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// Whether the drain has started.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The token behind [`DrainWatch::stopping`], for components that take one. Cancelling it starts the stop
    /// without anyone waiting, so hand out a child (`token().child_token()`) to those who may cancel on their
    /// own.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.stop
    }
}

/// The deadline of a drain passed before all tasks had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    /// How many tasks were still running.
    pub tasks: usize,
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the drain deadline passed with {} tasks still running", self.tasks)
    }
}

impl std::error::Error for StillRunning {}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::{Instant, sleep};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn tasks_hear_the_stop_and_are_waited_for() {
        let drain = Drain::new();
        let watch = drain.watch();
        let child = watch.clone();
        watch.spawn(async move {
            child.stopping().await;
            sleep(Duration::from_secs(3)).await;
            // Work found while stopping is waited for as well.
            child.spawn(sleep(Duration::from_secs(4)));
        });
        assert!(!watch.is_stopping());
        let start = Instant::now();
        assert_eq!(drain.finish(DEADLINE).await, Ok(()));
        assert_eq!(start.elapsed(), Duration::from_secs(7));
        assert!(watch.is_stopping());
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_counts_who_is_left() {
        let drain = Drain::new();
        for _ in 0..3 {
            drain.watch().spawn(pending::<()>());
        }
        let start = Instant::now();
        assert_eq!(drain.finish(DEADLINE).await, Err(StillRunning { tasks: 3 }));
        assert_eq!(start.elapsed(), DEADLINE);
    }

    #[tokio::test]
    async fn without_tasks_it_is_over_at_once_even_while_watches_live() {
        let drain = Drain::new();
        let _watch = drain.watch();
        assert_eq!(drain.finish(Duration::ZERO).await, Ok(()));
    }
}
