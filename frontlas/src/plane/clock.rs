//! Directory time without a round trip to the directory each time it is needed.

use crate::model::Timestamp;
use crate::{Directory, DirectoryError};
use parking_lot::Mutex;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is synchronised again: clocks drift.
const SYNC_INTERVAL: Duration = Duration::from_secs(60);

/// The drift of a quartz clock, 50 ppm: one second in so many.
const SECONDS_PER_SECOND_OF_DRIFT: u32 = 20_000;

/// Samples of one synchronisation: on a busy machine any of them may be late.
const MAX_SAMPLES: u32 = 8;

/// For how long more samples are taken: a frontier may wait for its Welcome.
const SAMPLING_TIME: Duration = Duration::from_millis(200);

/// A sample with a smaller error is good enough: an edge takes longer to connect again.
const GOOD_ERROR: Duration = Duration::from_micros(300);

/// A clock that is synchronised with the directory's, as SNTP does: half of the round trip is the error.
#[derive(Debug, Default)]
pub(super) struct DirectoryClock {
    sample: Mutex<Option<Sample>>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    time: Timestamp,
    at: Instant,
    /// How far off it may be.
    error: Duration,
}

impl DirectoryClock {
    /// Takes samples of the directory's clock, and goes by the one with the smallest error. Gives the time.
    ///
    /// # Errors
    /// When the directory does not answer.
    pub(super) async fn sync(&self, directory: &dyn Directory) -> Result<Timestamp, DirectoryError> {
        // The first one may wait for a connection, and nearly all of that lies before the clock is read.
        let mut new = Sample::take(directory).await?;
        let until = new.at + SAMPLING_TIME;
        for _ in 1..MAX_SAMPLES {
            let next = Sample::take(directory).await?;
            if next.error < new.error {
                new = next;
            }
            if new.error < GOOD_ERROR || Instant::now() > until {
                break;
            }
        }
        let mut sample = self.sample.lock();
        let keep = sample.filter(|old| {
            let differs = old.now().0.abs_diff(new.now().0);
            let error = old.error + old.at.elapsed() / SECONDS_PER_SECOND_OF_DRIFT;
            // If they differ by more, the directory's time was set.
            error <= new.error && u128::from(differs) <= (error + new.error).as_micros() + 1000
        });
        Ok(sample.insert(keep.unwrap_or(new)).now())
    }

    /// Keeps it synchronised until `stop`: gateways go by the time of the Welcome and of pongs.
    pub(super) async fn run(&self, directory: &dyn Directory, timeout: Duration, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SYNC_INTERVAL) => {}
                () = stop.cancelled() => return,
            }
            // The probe of the control plane warns when the directory does not answer.
            let _ = tokio::time::timeout(timeout, self.sync(directory)).await;
        }
    }

    /// Directory time; `None` before the first synchronisation.
    pub(super) fn now(&self) -> Option<Timestamp> {
        self.sample.lock().map(|sample| sample.now())
    }
}

impl Sample {
    async fn take(directory: &dyn Directory) -> Result<Self, DirectoryError> {
        let sent = Instant::now();
        let time = directory.time().await?;
        let error = sent.elapsed() / 2;
        Ok(Self { time, at: sent + error, error })
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.time.0 + u64::try_from(self.at.elapsed().as_micros()).unwrap_or(u64::MAX / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lifetimes, MemoryDirectory};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[tokio::test]
    async fn it_goes_on_and_follows_a_clock_that_is_set() {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let read = clock.clone();
        let directory = MemoryDirectory::with_clock(Lifetimes::default(), move || {
            Timestamp(read.load(Ordering::Relaxed))
        });
        let directory_clock = DirectoryClock::default();
        assert_eq!(directory_clock.now(), None);
        let first = directory_clock.sync(&directory).await.unwrap();
        assert!((1_000_000..2_000_000).contains(&first.0), "{first}");
        assert!(directory_clock.now().unwrap() >= first);
        clock.store(90_000_000, Ordering::Relaxed);
        assert!(directory_clock.sync(&directory).await.unwrap().0 >= 90_000_000);
    }
}
