//! Lookups of a host's name that are under way: their time is not that of the request that waits for them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How many lookups of a replica's name are under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookups(Arc<AtomicUsize>);

/// A lookup that is under way until this is dropped.
pub(super) struct LookingUp(Arc<AtomicUsize>);

impl Lookups {
    pub(super) fn begin(&self) -> LookingUp {
        self.0.fetch_add(1, Ordering::Relaxed);
        LookingUp(self.0.clone())
    }

    /// Gives `work` its time, and again as much while a lookup is under way at its end. Lookups end by themselves.
    pub(super) async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            if let Ok(done) = timeout(limit, &mut work).await {
                return Some(done);
            }
            if self.0.load(Ordering::Relaxed) == 0 {
                return None;
            }
        }
    }
}

impl Drop for LookingUp {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn a_slow_lookup_does_not_use_up_the_time_of_what_waits_for_it() {
        let lookups = Lookups::default();
        let answer = async {
            let looking_up = lookups.begin();
            sleep(Duration::from_secs(5)).await;
            drop(looking_up);
            "answer"
        };
        assert_eq!(lookups.within(LIMIT, answer).await, Some("answer"));
        assert_eq!(
            lookups.within(LIMIT, sleep(Duration::from_secs(5))).await,
            None,
            "without one it is over"
        );
    }
}
