//! Something that happens once.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Something that happens once, and that others may wait for.
#[derive(Debug, Default)]
pub struct Latch {
    set: AtomicBool,
    notify: Notify,
}

impl Latch {
    /// It happens. More than once is the same as once.
    pub fn set(&self) {
        self.set.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    /// Whether it has happened.
    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Waits until it has happened.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait(&self) {
        let notified = self.notify.notified();
        tokio::pin!(notified);
        // Registered before the flag is read, so that a set in between is not missed.
        notified.as_mut().enable();
        if !self.is_set() {
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn whoever_waits_before_and_whoever_waits_after_goes_on() {
        let latch = Arc::new(Latch::default());
        let before = tokio::spawn({
            let latch = latch.clone();
            async move { latch.wait().await }
        });
        tokio::task::yield_now().await;
        assert!(!before.is_finished() && !latch.is_set());
        latch.set();
        before.await.unwrap();
        latch.wait().await;
        latch.set();
        assert!(latch.is_set());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_set_beside_a_wait_is_never_missed() {
        for _ in 0..2_000 {
            let latch = Arc::new(Latch::default());
            let waits = tokio::spawn({
                let latch = latch.clone();
                async move { latch.wait().await }
            });
            let sets = tokio::spawn(async move { latch.set() });
            tokio::time::timeout(std::time::Duration::from_secs(10), waits)
                .await
                .expect("it is woken")
                .unwrap();
            sets.await.unwrap();
        }
    }
}
