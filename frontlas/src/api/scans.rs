//! Reading all edges or services of the directory, page by page: few pages at once, with pauses in between, so that
//! whoever lists much holds up neither lookups nor reports.

use crate::directory::{Directory, DirectoryError};
use crate::model::{Edge, Page, Service};
use frontier_admin::ApiError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::{Instant, sleep};

/// Pages that are read at once, for lists and snapshots alike. More wait, the first to come first.
const MAX_READS: usize = 4;

/// Lists under way; more are refused. Watches have a bound of their own.
const MAX_LISTS: usize = 1024;

/// The longest pause after a page; else it is as long as the reading took, so that as much time is left to others.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// How long a page counts that nobody waits for any more: the store is at it all the same.
const ABANDONED_READ: Duration = Duration::from_secs(1);

/// Reads pages of edges and services in turn.
#[derive(Clone)]
pub(super) struct Scans {
    directory: Arc<dyn Directory>,
    lists: Arc<Semaphore>,
    reads: Arc<Semaphore>,
}

impl Scans {
    pub(super) fn new(directory: Arc<dyn Directory>) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { directory, lists: semaphore(MAX_LISTS), reads: semaphore(MAX_READS) }
    }

    /// How many lists are under way, and how many pages are being read.
    pub(super) fn under_way(&self) -> (usize, usize) {
        let taken = |of: &Semaphore, limit: usize| limit.saturating_sub(of.available_permits());
        (taken(&self.lists, MAX_LISTS), taken(&self.reads, MAX_READS))
    }

    /// A place for one list, to be held until it is read.
    pub(super) fn list(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.lists.try_acquire().map_err(|_| ApiError::TooManyLists(MAX_LISTS))
    }

    /// A page of [`Directory::edges`].
    pub(super) async fn edges(&self, from: u64, count: usize) -> Result<Page<Edge>, ApiError> {
        let directory = self.directory.clone();
        self.read(async move { directory.edges(from, count).await }).await
    }

    /// A page of [`Directory::services`].
    pub(super) async fn services(&self, from: u64, count: usize) -> Result<Page<Service>, ApiError> {
        let directory = self.directory.clone();
        self.read(async move { directory.services(from, count).await }).await
    }

    /// In a task of its own: whoever asks and leaves makes no room for the next one by that.
    async fn read<T: Send + 'static>(
        &self,
        page: impl Future<Output = Result<T, DirectoryError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Ok(permit) = self.reads.clone().acquire_owned().await else {
            return Err(ApiError::Internal);
        };
        let (mut answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let start = Instant::now();
            let abandoned = async {
                answer.closed().await;
                sleep(ABANDONED_READ).await;
            };
            let read = tokio::select! {
                read = page => Some(read),
                () = abandoned => None,
            };
            if let Some(read) = read {
                // Fails only if nobody waits.
                let _ = answer.send(read);
                sleep(start.elapsed().min(MAX_PAUSE)).await;
            }
            drop(permit);
        });
        // Nothing comes only if the reading has panicked.
        Ok(answered.await.map_err(|_| ApiError::Internal)??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lifetimes, MemoryDirectory};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn scans() -> Scans {
        Scans::new(Arc::new(MemoryDirectory::new(Lifetimes::default())))
    }

    #[tokio::test(start_paused = true)]
    async fn few_pages_are_read_at_once_and_others_have_half_of_the_time() {
        const PAGE: Duration = Duration::from_millis(10);
        let (scans, now) = (scans(), Arc::new(AtomicUsize::new(0)));
        let start = Instant::now();
        let reads: Vec<_> = (0..10 * MAX_READS)
            .map(|_| {
                let (scans, now) = (scans.clone(), now.clone());
                tokio::spawn(async move {
                    let page = async move {
                        assert!(now.fetch_add(1, Ordering::SeqCst) < MAX_READS);
                        sleep(PAGE).await;
                        now.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    };
                    scans.read(page).await
                })
            })
            .collect();
        for read in reads {
            assert_eq!(read.await.unwrap(), Ok(()));
        }
        // Ten rounds, of which the last one has its pause still before it.
        assert!(start.elapsed() >= 19 * PAGE, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_and_leaves_keeps_the_place_for_a_while() {
        let scans = scans();
        for _ in 0..MAX_READS {
            let asked = scans.read(std::future::pending::<Result<(), DirectoryError>>());
            tokio::time::timeout(Duration::from_millis(1), asked).await.unwrap_err();
        }
        let start = Instant::now();
        assert_eq!(scans.read(async { Ok(1) }).await, Ok(1));
        assert!(start.elapsed() >= ABANDONED_READ - Duration::from_millis(10), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn one_list_too_many_is_refused() {
        let scans = scans();
        let held: Vec<_> = (0..MAX_LISTS).map(|_| scans.list().unwrap()).collect();
        assert_eq!(scans.list().unwrap_err(), ApiError::TooManyLists(MAX_LISTS));
        drop(held);
        drop(scans.list().unwrap());
    }
}
