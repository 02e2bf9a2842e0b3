use super::PATIENCE;
use crate::model::Stamp;
use crate::{Directory, DirectoryError};
use parking_lot::Mutex;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the directory is asked again: clocks drift.
const INTERVAL: Duration = Duration::from_secs(60);

/// By how much a clock may drift away from another one: one second in so many.
const DRIFT: u32 = 20_000;

/// How often it is asked at once, at most, and for how long.
const ASKED: u32 = 8;
const WHILE: Duration = Duration::from_millis(200);

/// An error of this much is good enough.
const PRECISE: Duration = Duration::from_micros(300);

/// Directory time without a question to the directory each time.
#[derive(Debug, Default)]
pub(super) struct Timekeeper {
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    time: Stamp,
    at: Instant,
    /// How far off it may be.
    error: Duration,
}

impl Timekeeper {
    /// Asks the directory, which knows it best. Of all answers that one counts which leaves the least doubt.
    ///
    /// # Errors
    /// When the directory does not answer.
    pub(super) async fn ask(&self, directory: &dyn Directory) -> Result<Stamp, DirectoryError> {
        // The first question may wait for a connection, nearly all of its time before the clock is read; and on
        // a busy machine any of them may wait for its turn.
        let mut new = Known::ask(directory).await?;
        let until = new.at + WHILE;
        for _ in 1..ASKED {
            let next = Known::ask(directory).await?;
            if next.error < new.error {
                new = next;
            }
            if new.error < PRECISE || Instant::now() > until {
                break;
            }
        }
        let mut known = self.known.lock();
        let keep = known.filter(|old| {
            let differs = old.now().0.abs_diff(new.now().0);
            let error = old.error + old.at.elapsed() / DRIFT;
            // If they differ by more, the directory's time was set.
            error <= new.error && u128::from(differs) <= (error + new.error).as_micros() + 1000
        });
        let known = known.insert(keep.unwrap_or(new));
        Ok(known.now())
    }

    /// Asks again from time to time until `stop`: gateways go by what they hear for as long as they are
    /// connected.
    pub(super) async fn run(&self, directory: &dyn Directory, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stop.cancelled() => return,
            }
            // A directory that does not answer is told of elsewhere.
            let _ = tokio::time::timeout(PATIENCE, self.ask(directory)).await;
        }
    }

    /// Directory time, if it is known.
    pub(super) fn now(&self) -> Option<Stamp> {
        self.known.lock().map(|known| known.now())
    }
}

impl Known {
    async fn ask(directory: &dyn Directory) -> Result<Self, DirectoryError> {
        let asked = Instant::now();
        let time = directory.time().await?;
        let error = asked.elapsed() / 2;
        Ok(Self { time, at: asked + error, error })
    }

    fn now(&self) -> Stamp {
        Stamp(self.time.0 + u64::try_from(self.at.elapsed().as_micros()).unwrap_or(u64::MAX / 4))
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
        let directory =
            MemoryDirectory::with_clock(Lifetimes::default(), move || Stamp(read.load(Ordering::Relaxed)));
        let keeper = Timekeeper::default();
        assert_eq!(keeper.now(), None);
        let first = keeper.ask(&directory).await.unwrap();
        assert!((1_000_000..2_000_000).contains(&first.0), "{first}");
        assert!(keeper.now().unwrap() >= first);
        clock.store(90_000_000, Ordering::Relaxed);
        assert!(keeper.ask(&directory).await.unwrap().0 >= 90_000_000);
    }
}
