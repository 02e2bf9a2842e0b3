//! The gateway asks itself each second, through the exchange, whether it answers.

use frontier_exchange::Exchange;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);

/// For so long after the last answer it counts as one that answers. With what it takes until somebody looks, that is less
/// than the five seconds within which a gateway that is stuck must be known as such.
const MAX_AGE: Duration = Duration::from_millis(2500);

/// What the gateway found out when it asked itself.
#[derive(Debug)]
pub(crate) struct SelfProbe {
    exchange: Arc<Exchange>,
    /// When it last answered, in milliseconds of the exchange's clock; 0 if never.
    answered_at: AtomicU64,
    /// How long that took, in nanoseconds.
    took: AtomicU64,
    failures: AtomicU64,
    /// Why it did not answer last time.
    error: Mutex<Option<String>>,
}

impl SelfProbe {
    pub(crate) fn new(exchange: Arc<Exchange>) -> Arc<Self> {
        let (answered_at, took, failures, error) = Default::default();
        Arc::new(Self { exchange, answered_at, took, failures, error })
    }

    /// Asks until it is dropped. On the threads that serve everybody: if these are stuck, so is this.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let start = Instant::now();
            let probed = self.exchange.probe();
            let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            match probed {
                Ok(()) => {
                    self.took.store(took, Ordering::Relaxed);
                    self.answered_at.store(self.exchange.millis().max(1), Ordering::Relaxed);
                    *self.error.lock() = None;
                }
                Err(error) => {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    *self.error.lock() = Some(error.to_string());
                }
            }
        }
    }

    /// Whether it answers. Waits for nothing that a fault of the exchange could hold.
    ///
    /// # Errors
    /// Since when it does not, and why as far as that is known.
    pub(crate) fn check(&self) -> Result<(), String> {
        let answered_at = self.answered_at.load(Ordering::Relaxed);
        if answered_at == 0 {
            return Err(self.because("has not answered itself yet".to_owned()));
        }
        let age = Duration::from_millis(self.exchange.millis().saturating_sub(answered_at));
        match age > MAX_AGE {
            true => Err(self.because(format!("has not answered itself for {age:?}"))),
            false => Ok(()),
        }
    }

    fn because(&self, what: String) -> String {
        let error = self.error.lock();
        let because = error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        format!("the gateway {what}{because}")
    }

    /// How long the last answer took.
    pub(crate) fn took(&self) -> Duration {
        Duration::from_nanos(self.took.load(Ordering::Relaxed))
    }

    /// How often an answer was wrong, or was none.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn it_answers_once_it_was_asked() {
        let probe = SelfProbe::new(testing::exchange());
        assert_eq!(probe.check().unwrap_err(), "the gateway has not answered itself yet");
        let asking = tokio::spawn(probe.clone().run());
        while probe.check().is_err() {
            tokio::task::yield_now().await;
        }
        asking.abort();
        assert!(probe.took() > Duration::ZERO && probe.failures() == 0);
    }
}
