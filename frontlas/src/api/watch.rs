//! A watch of the cluster: the snapshot, then the changes.

mod source;

use super::feed::Feed;
use super::scans::Scans;
use super::write_state::WriteState;
use crate::directory::Directory;
use crate::model::{Change, Position};
use frontier_admin::{ApiError, Watches};
use frontier_api::cluster::{Snapshot, WatchKind, change::What};
use futures_util::Stream;
use source::Source;
use std::sync::Arc;
use std::time::Duration;

/// What a watcher is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WatchEvent {
    /// A part of the snapshot.
    Snapshot(Snapshot),
    /// The last part, and where the changes go on from.
    SnapshotEnd(Snapshot, Position),
    /// A change, and where it is in the history.
    Change(What, Position),
    /// Nothing has happened for a while, up to here.
    Keepalive(Position),
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WatchFilter {
    frontiers: bool,
    edges: bool,
    services: bool,
}

impl WatchFilter {
    const ALL: Self = Self { frontiers: true, edges: true, services: true };
    const NONE: Self = Self { frontiers: false, edges: false, services: false };

    /// These kinds; all if there are none.
    pub(super) fn new(kinds: impl IntoIterator<Item = WatchKind>) -> Result<Self, ApiError> {
        let mut filter = Self::NONE;
        for kind in kinds {
            match kind {
                WatchKind::Frontiers => filter.frontiers = true,
                WatchKind::Edges => filter.edges = true,
                WatchKind::Services => filter.services = true,
                WatchKind::Unspecified => {
                    return Err(ApiError::invalid("kinds must be frontiers, edges or services"));
                }
            }
        }
        Ok(if filter == Self::NONE { Self::ALL } else { filter })
    }

    fn matches(self, change: &Change) -> bool {
        match change {
            Change::FrontierOnline(_) | Change::FrontierDraining(_) | Change::FrontierOffline { .. } => {
                self.frontiers
            }
            Change::EdgeOnline { .. } | Change::EdgeOffline { .. } => self.edges,
            Change::ServiceOnline { .. } | Change::ServiceOffline { .. } => self.services,
        }
    }
}

/// Opens watches of the cluster.
#[derive(Clone)]
pub(super) struct ClusterWatches {
    directory: Arc<dyn Directory>,
    scans: Scans,
    writes: WriteState,
    feed: Arc<Feed>,
    watches: Watches,
}

impl ClusterWatches {
    /// The directory is polled for changes with this pause in between.
    pub(super) fn new(
        directory: Arc<dyn Directory>,
        scans: Scans,
        writes: WriteState,
        interval: Duration,
        watches: Watches,
    ) -> Self {
        Self { feed: Arc::new(Feed::new(directory.clone(), interval)), directory, scans, writes, watches }
    }

    /// Starts a watch, after a position or else with a snapshot. It ends with its first error.
    ///
    /// # Errors
    /// If there are too many, if the directory fails, and if the position is not in the history.
    pub(super) async fn open(
        &self,
        after: Option<Position>,
        filter: WatchFilter,
    ) -> Result<impl Stream<Item = Result<WatchEvent, ApiError>> + Send + use<>, ApiError> {
        let slot = self.watches.reserve()?;
        let position = match after {
            Some(position) => {
                self.feed.check(position).await?;
                position
            }
            None => self.directory.position().await?,
        };
        let source = Source::new(
            self.directory.clone(),
            self.scans.clone(),
            self.writes.clone(),
            self.feed.clone(),
            filter,
            position,
        );
        Ok(slot.start(if after.is_some() { source.live() } else { source }))
    }
}
