//! A watch: the snapshot, then the changes.

use super::error::ApiError;
use super::feed::{Feed, FeedError};
use crate::directory::{Directory, MAX_PAGE};
use crate::model::{Change, Numbered, Position};
use frontier_api::cluster::{Snapshot, WatchKind, change::What};
use futures_util::Stream;
use futures_util::stream::unfold;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// A part of the snapshot.
    Snapshot(Snapshot),
    /// The last part, and where the changes go on from.
    SnapshotEnd(Snapshot, Position),
    /// A change, and where it is in the history.
    Change(What, Position),
    /// Nothing has happened for a while. Up to here.
    Alive(Position),
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds {
    frontiers: bool,
    edges: bool,
    services: bool,
}

impl Kinds {
    pub(crate) const ALL: Self = Self { frontiers: true, edges: true, services: true };

    pub(crate) fn new(kinds: impl IntoIterator<Item = WatchKind>) -> Result<Self, ApiError> {
        let mut these = Self { frontiers: false, edges: false, services: false };
        for kind in kinds {
            match kind {
                WatchKind::Frontiers => these.frontiers = true,
                WatchKind::Edges => these.edges = true,
                WatchKind::Services => these.services = true,
                WatchKind::Unspecified => return Err(ApiError::invalid("there is no such kind to watch")),
            }
        }
        let none = these == Self { frontiers: false, edges: false, services: false };
        Ok(if none { Self::ALL } else { these })
    }

    fn has(self, change: &Change) -> bool {
        match change {
            Change::FrontierOnline(_) | Change::FrontierOffline { .. } => self.frontiers,
            Change::EdgeOnline { .. } | Change::EdgeOffline { .. } => self.edges,
            Change::ServiceOnline { .. } | Change::ServiceOffline { .. } => self.services,
        }
    }
}

/// Opens watches, and counts them.
#[derive(Clone)]
pub(crate) struct Watches {
    directory: Arc<dyn Directory>,
    feed: Arc<Feed>,
    permits: Arc<Semaphore>,
    limit: usize,
    keepalive: Duration,
    stop: CancellationToken,
}

impl Watches {
    /// At most `limit` watches at once, with a sign of life at least every `keepalive`, until `stop`.
    pub(crate) fn new(
        directory: Arc<dyn Directory>,
        pause: Duration,
        limit: usize,
        keepalive: Duration,
        stop: CancellationToken,
    ) -> Self {
        let feed = Arc::new(Feed::new(directory.clone(), pause));
        Self { directory, feed, permits: Arc::new(Semaphore::new(limit)), limit, keepalive, stop }
    }

    /// Starts a watch, after a position or else with a snapshot. It ends with its first error.
    ///
    /// # Errors
    /// If there are too many, if the directory fails, and if the position is not in the history.
    pub(crate) async fn open(
        &self,
        after: Option<Position>,
        kinds: Kinds,
    ) -> Result<impl Stream<Item = Result<Told, ApiError>> + Send + use<>, ApiError> {
        let permit =
            self.permits.clone().try_acquire_owned().map_err(|_| ApiError::Watchers(self.limit))?;
        let (stage, position) = match after {
            Some(position) => {
                self.feed.check(position).await?;
                (Stage::Live, position)
            }
            None => (Stage::Frontiers, self.directory.position().await?),
        };
        let watch = Watch {
            watches: self.clone(),
            kinds,
            stage,
            position,
            found: VecDeque::new(),
            told: Instant::now(),
            _permit: permit,
        };
        Ok(unfold(Some(watch), async |watch| {
            let mut watch = watch?;
            let stop = watch.watches.stop.clone();
            let told = tokio::select! {
                biased;
                () = stop.cancelled() => Err(ApiError::Draining),
                told = watch.next() => told,
            };
            let rest = told.is_ok().then_some(watch);
            Some((told, rest))
        }))
    }
}

struct Watch {
    watches: Watches,
    kinds: Kinds,
    stage: Stage,
    /// The last change that was told or passed over; during the snapshot, where it began.
    position: Position,
    /// What comes next, at most a batch of the feed.
    found: VecDeque<Arc<Numbered>>,
    /// When something was last told.
    told: Instant,
    /// Gives its place back when dropped.
    _permit: OwnedSemaphorePermit,
}

/// What a watch is at.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Frontiers,
    Edges(u64),
    Services(u64),
    End,
    Live,
}

impl Watch {
    async fn next(&mut self) -> Result<Told, ApiError> {
        let told = match self.stage {
            Stage::Live => self.change().await?,
            _ => self.snapshot().await?,
        };
        self.told = Instant::now();
        Ok(told)
    }

    /// The next part of the snapshot. Parts in which nothing would be are left out.
    async fn snapshot(&mut self) -> Result<Told, ApiError> {
        let directory = self.watches.directory.clone();
        let mut part = Snapshot::default();
        loop {
            match self.stage {
                Stage::Frontiers => {
                    part.first = true;
                    if self.kinds.frontiers {
                        part.frontiers = directory.frontiers().await?.into_iter().map(Into::into).collect();
                    }
                    self.stage = Stage::Edges(0);
                }
                Stage::Edges(_) if !self.kinds.edges => self.stage = Stage::Services(0),
                Stage::Edges(from) => {
                    let page = directory.edges(from, MAX_PAGE).await?;
                    part.edges = page.items.into_iter().map(Into::into).collect();
                    self.stage = page.next.map_or(Stage::Services(0), Stage::Edges);
                }
                Stage::Services(_) if !self.kinds.services => self.stage = Stage::End,
                Stage::Services(from) => {
                    let page = directory.services(from, MAX_PAGE).await?;
                    part.services = page.items.into_iter().map(Into::into).collect();
                    self.stage = page.next.map_or(Stage::End, Stage::Services);
                }
                Stage::End => {
                    self.stage = Stage::Live;
                    part.last = true;
                    return Ok(Told::SnapshotEnd(part, self.position));
                }
                Stage::Live => return Ok(Told::Alive(self.position)),
            }
            let empty = part.frontiers.is_empty() && part.edges.is_empty() && part.services.is_empty();
            if !empty && !matches!(self.stage, Stage::End) {
                return Ok(Told::Snapshot(part));
            }
        }
    }

    /// The next change, or a sign of life when there is none for long.
    async fn change(&mut self) -> Result<Told, ApiError> {
        let late = self.told + self.watches.keepalive;
        loop {
            while let Some(found) = self.found.pop_front() {
                self.position.number = found.number;
                if self.kinds.has(&found.change) {
                    return Ok(Told::Change(found.change.clone().into(), self.position));
                }
            }
            if Instant::now() >= late {
                return Ok(Told::Alive(self.position));
            }
            match timeout_at(late, self.watches.feed.after(self.position)).await {
                Ok(found) => self.found = found?.into(),
                Err(_) => return Ok(Told::Alive(self.position)),
            }
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
