//! The changes of the directory, read once for all watchers.
//!
//! The directory does not push: somebody has to poll it. Whichever watcher waits first polls for all of them,
//! once per interval, and keeps what it finds in a short list for the others. Without watchers nobody polls.
//! A watcher that is behind the list reads for itself until it has caught up, as fast as its peer reads the
//! changes, or until the directory has forgotten them. So a slow watcher costs no memory here.
//!
//! A future that waits here must not be left unpolled: one of them holds the lock while it asks the directory.

use crate::directory::{Directory, DirectoryError, MAX_PAGE};
use crate::model::{Changes, Numbered, Position};
use frontier_admin::ApiError;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Changes kept for watchers that are a little behind the others: some hundred bytes each, once for all watchers.
const MAX_CHANGES_KEPT: usize = 4096;

/// Changes handed out at once: the lock is held while they are collected.
const MAX_BATCH: usize = 256;

/// Reads the changes for all watchers.
pub(super) struct Feed {
    directory: Arc<dyn Directory>,
    interval: Duration,
    tail: Mutex<Tail>,
}

/// Why there are no more changes for a watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FeedError {
    /// Its position is not in the history any more.
    Gone,
    /// The directory failed.
    Directory(DirectoryError),
}

/// The end of the history, as far as it has been read.
struct Tail {
    /// After the last of `changes`.
    end: Position,
    changes: VecDeque<Arc<Numbered>>,
    polled_at: Instant,
    /// The last failure and when it happened; who had been waiting for longer shares it.
    failure: Option<(Instant, DirectoryError)>,
}

/// What the list has for a position.
enum Lookup {
    /// These changes come next.
    Next(Vec<Arc<Numbered>>),
    /// The position is its end: somebody has to poll.
    AtEnd,
    /// The position is not in it.
    Outside,
}

impl Feed {
    /// Polls with this pause in between.
    pub(super) fn new(directory: Arc<dyn Directory>, interval: Duration) -> Self {
        let tail = Tail {
            end: Position::default(),
            changes: VecDeque::new(),
            polled_at: Instant::now(),
            failure: None,
        };
        Self { directory, interval, tail: Mutex::new(tail) }
    }

    /// The changes after `since`, at least one; waits until there are some.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn after(&self, since: Position) -> Result<Vec<Arc<Numbered>>, FeedError> {
        let began = Instant::now();
        loop {
            let mut tail = self.tail.lock().await;
            match tail.lookup(since) {
                Lookup::Next(changes) => return Ok(changes),
                Lookup::AtEnd => {
                    if let Some((at, error)) = &tail.failure
                        && *at >= began
                    {
                        return Err(FeedError::Directory(error.clone()));
                    }
                    self.poll(&mut tail).await?;
                }
                Lookup::Outside => {
                    drop(tail);
                    let changes = self.read(since, MAX_BATCH).await?;
                    if !changes.is_empty() {
                        return Ok(changes);
                    }
                    self.tail.lock().await.start_at(since);
                }
            }
        }
    }

    /// Whether the directory still has the changes after `since`.
    pub(super) async fn check(&self, since: Position) -> Result<(), FeedError> {
        self.read(since, 1).await.map(drop)
    }

    /// Asks the directory once, not before the interval is over.
    async fn poll(&self, tail: &mut Tail) -> Result<(), FeedError> {
        sleep_until(tail.polled_at + self.interval).await;
        let found = self.read(tail.end, MAX_PAGE).await;
        tail.polled_at = Instant::now();
        match found {
            Ok(changes) => tail.extend(changes),
            Err(FeedError::Gone) => return Err(FeedError::Gone),
            Err(FeedError::Directory(error)) => {
                tail.failure = Some((tail.polled_at, error.clone()));
                return Err(FeedError::Directory(error));
            }
        }
        Ok(())
    }

    async fn read(&self, since: Position, limit: usize) -> Result<Vec<Arc<Numbered>>, FeedError> {
        match self.directory.changes(since, limit).await {
            Ok(Changes::Since(changes)) => Ok(changes.into_iter().map(Arc::new).collect()),
            Ok(Changes::Gone) => Err(FeedError::Gone),
            Err(error) => Err(FeedError::Directory(error)),
        }
    }
}

impl From<FeedError> for ApiError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Gone => Self::Gone,
            FeedError::Directory(error) => error.into(),
        }
    }
}

impl Tail {
    fn lookup(&self, since: Position) -> Lookup {
        if since == self.end {
            return Lookup::AtEnd;
        }
        let first = self.changes.front().map_or(u64::MAX, |change| change.number);
        let within = first.saturating_sub(1)..self.end.number;
        if since.history != self.end.history || !within.contains(&since.number) {
            return Lookup::Outside;
        }
        let skipped = self.changes.partition_point(|change| change.number <= since.number);
        Lookup::Next(self.changes.iter().skip(skipped).take(MAX_BATCH).cloned().collect())
    }

    /// Goes on from a position at which the directory has nothing newer, unless it has got there meanwhile.
    fn start_at(&mut self, since: Position) {
        if since.history == self.end.history && since.number <= self.end.number {
            return;
        }
        *self = Self { end: since, changes: VecDeque::new(), polled_at: Instant::now(), failure: None };
    }

    fn extend(&mut self, changes: Vec<Arc<Numbered>>) {
        self.end.number = changes.last().map_or(self.end.number, |last| last.number);
        self.changes.extend(changes);
        self.changes.drain(..self.changes.len().saturating_sub(MAX_CHANGES_KEPT));
    }
}
