//! The changes of the directory, read once for all watchers.
//!
//! The directory does not push; somebody has to look. Whichever watcher waits first looks for all of them,
//! once per pause, and keeps what it finds in a short list for the others. Without watchers nobody looks.
//! A watcher that is behind the list reads for itself until it has caught up, as fast as its peer takes
//! the changes, or until the directory has forgotten them. So a slow watcher costs no memory here.
//!
//! Who waits here must be polled: one of them holds the lock while it looks.

use crate::directory::{Directory, DirectoryError, MAX_PAGE};
use crate::model::{Changes, Numbered, Position};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// How many changes are kept for watchers that are a little behind the others.
const KEPT: usize = 4096;

/// The most changes that are handed out at once.
const BATCH: usize = 256;

/// Reads the changes for all watchers.
pub(crate) struct Feed {
    directory: Arc<dyn Directory>,
    pause: Duration,
    tail: Mutex<Tail>,
}

/// Why there are no more changes for a watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FeedError {
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
    looked: Instant,
    /// The last failure and when it happened; who had been waiting for longer shares it.
    failure: Option<(Instant, DirectoryError)>,
}

/// Where a position lies.
enum Place {
    /// In the list; these come next.
    Before(Vec<Arc<Numbered>>),
    /// At the end: somebody has to look.
    AtEnd,
    /// Elsewhere.
    Outside,
}

impl Feed {
    /// Looks for changes with this pause in between.
    pub(crate) fn new(directory: Arc<dyn Directory>, pause: Duration) -> Self {
        let tail = Tail {
            end: Position::default(),
            changes: VecDeque::new(),
            looked: Instant::now(),
            failure: None,
        };
        Self { directory, pause, tail: Mutex::new(tail) }
    }

    /// The changes after `since`, at least one; waits until there are some.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn after(&self, since: Position) -> Result<Vec<Arc<Numbered>>, FeedError> {
        let began = Instant::now();
        loop {
            let mut tail = self.tail.lock().await;
            match tail.place(since) {
                Place::Before(changes) => return Ok(changes),
                Place::AtEnd => {
                    if let Some((at, error)) = &tail.failure
                        && *at >= began
                    {
                        return Err(FeedError::Directory(error.clone()));
                    }
                    self.look(&mut tail).await?;
                }
                Place::Outside => {
                    drop(tail);
                    let changes = self.read(since, BATCH).await?;
                    if !changes.is_empty() {
                        return Ok(changes);
                    }
                    self.tail.lock().await.start_at(since);
                }
            }
        }
    }

    /// Whether the directory still has the changes after `since`.
    pub(crate) async fn check(&self, since: Position) -> Result<(), FeedError> {
        self.read(since, 1).await.map(drop)
    }

    /// Looks once, not before the pause is over.
    async fn look(&self, tail: &mut Tail) -> Result<(), FeedError> {
        sleep_until(tail.looked + self.pause).await;
        let found = self.read(tail.end, MAX_PAGE).await;
        tail.looked = Instant::now();
        match found {
            Ok(changes) => tail.extend(changes),
            Err(FeedError::Gone) => return Err(FeedError::Gone),
            Err(FeedError::Directory(error)) => {
                tail.failure = Some((tail.looked, error.clone()));
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

impl Tail {
    fn place(&self, since: Position) -> Place {
        if since == self.end {
            return Place::AtEnd;
        }
        let first = self.changes.front().map_or(u64::MAX, |change| change.number);
        let within = first.saturating_sub(1)..self.end.number;
        if since.history != self.end.history || !within.contains(&since.number) {
            return Place::Outside;
        }
        let seen = self.changes.partition_point(|change| change.number <= since.number);
        Place::Before(self.changes.iter().skip(seen).take(BATCH).cloned().collect())
    }

    /// Goes on from a position at which the directory has nothing newer, unless it has got there meanwhile.
    fn start_at(&mut self, since: Position) {
        if since.history == self.end.history && since.number <= self.end.number {
            return;
        }
        *self = Self { end: since, changes: VecDeque::new(), looked: Instant::now(), failure: None };
    }

    fn extend(&mut self, changes: Vec<Arc<Numbered>>) {
        self.end.number = changes.last().map_or(self.end.number, |last| last.number);
        self.changes.extend(changes);
        self.changes.drain(..self.changes.len().saturating_sub(KEPT));
    }
}
