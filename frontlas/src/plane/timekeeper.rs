use crate::model::Stamp;
use crate::{Directory, DirectoryError};
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// After this the directory is asked again: clocks drift.
const FRESH: Duration = Duration::from_secs(60);

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
    /// Asks the directory, which knows it best. The quickest answer of the last minute counts.
    ///
    /// # Errors
    /// When the directory does not answer.
    pub(super) async fn ask(&self, directory: &dyn Directory) -> Result<Stamp, DirectoryError> {
        // The first question may wait for a connection, nearly all of its time before the clock is read: the
        // second one says it better.
        let (first, second) = (Known::ask(directory).await?, Known::ask(directory).await?);
        let new = if first.error < second.error { first } else { second };
        let mut known = self.known.lock();
        let keep = known.filter(|old| {
            let differs = old.now().0.abs_diff(new.now().0);
            // A directory whose time was set is asked anew.
            old.at.elapsed() < FRESH
                && old.error <= new.error
                && u128::from(differs) <= (old.error + new.error).as_micros() + 1000
        });
        let known = known.insert(keep.unwrap_or(new));
        Ok(known.now())
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
