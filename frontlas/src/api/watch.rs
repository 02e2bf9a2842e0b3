//! A watch: the snapshot, then the changes.

mod task;

use super::ControlPlaneConfig;
use super::error::ApiError;
use super::feed::{Feed, FeedError};
use crate::directory::Directory;
use crate::model::{Change, Position};
use frontier_api::cluster::{Snapshot, WatchKind, change::What};
use futures_util::Stream;
use futures_util::stream::unfold;
use std::sync::Arc;
use std::time::Duration;
use task::Watch;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// How many messages may be ahead of the peer, a part of a snapshot each at most.
const AHEAD: usize = 8;

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
            Change::FrontierOnline(_) | Change::FrontierDraining(_) | Change::FrontierOffline { .. } => {
                self.frontiers
            }
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
    patience: Duration,
    stop: CancellationToken,
}

impl Watches {
    /// The watches of a control plane, until `stop`.
    pub(crate) fn new(
        directory: Arc<dyn Directory>,
        config: &ControlPlaneConfig,
        stop: CancellationToken,
    ) -> Self {
        Self {
            feed: Arc::new(Feed::new(directory.clone(), config.watch_interval)),
            directory,
            permits: Arc::new(Semaphore::new(config.watchers)),
            limit: config.watchers,
            keepalive: config.keepalive,
            patience: config.slow_peer_timeout,
            stop,
        }
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
        let permit = self.permits.clone().try_acquire_owned().map_err(|_| ApiError::Watchers(self.limit))?;
        let position = match after {
            Some(position) => {
                self.feed.check(position).await?;
                position
            }
            None => self.directory.position().await?,
        };
        let watch = Watch::new(self.clone(), permit, kinds, position, after.is_none());
        let (sender, receiver) = mpsc::channel(AHEAD);
        let (end, ended) = oneshot::channel();
        tokio::spawn(watch.run(sender, end));
        Ok(unfold((receiver, Some(ended)), async |(mut receiver, mut ended)| {
            if let Some(told) = receiver.recv().await {
                return Some((Ok(told), (receiver, ended)));
            }
            let error = ended.take()?.await.unwrap_or(ApiError::Internal);
            Some((Err(error), (receiver, None)))
        }))
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
