//! Waiting for what must happen, with a deadline.

use std::time::{Duration, Instant};

/// Within this everything happens that is not about time itself, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// Awaits `future`, which must be ready within [`DEADLINE`].
///
/// # Panics
/// If it is not.
#[track_caller]
pub fn within<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(DEADLINE, future).await {
            Ok(output) => output,
            Err(_) => panic!("{place}: {what}: not within {DEADLINE:?}"),
        }
    }
}

/// Looks again and again until `condition` gives something, which must be before `deadline` is over.
///
/// # Panics
/// If it is not.
#[track_caller]
pub fn eventually<T>(
    deadline: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let end = Instant::now() + deadline;
        loop {
            if let Some(output) = condition().await {
                return output;
            }
            assert!(Instant::now() < end, "{place}: {what}: not within {deadline:?}");
            tokio::time::sleep(INTERVAL).await;
        }
    }
}
