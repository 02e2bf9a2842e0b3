//! What one watcher is sent, and how far it has got.

use super::{WatchEvent, WatchFilter};
use crate::api::feed::{Feed, FeedError};
use crate::api::scans::Scans;
use crate::api::write_state::WriteState;
use crate::directory::{Directory, MAX_PAGE};
use crate::model::{Numbered, Position};
use frontier_admin::{ApiError, WatchSource};
use frontier_api::cluster::Snapshot;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

type Poll = Pin<Box<dyn Future<Output = Result<Vec<Arc<Numbered>>, FeedError>> + Send>>;

pub(super) struct Source {
    directory: Arc<dyn Directory>,
    scans: Scans,
    writes: WriteState,
    feed: Arc<Feed>,
    filter: WatchFilter,
    stage: Stage,
    /// The last change that was sent or left out; during the snapshot, where it began.
    position: Position,
    /// What comes next, at most a batch of the feed.
    changes: VecDeque<Arc<Numbered>>,
    /// The poll for more. It goes on across keepalives: a slow directory may take longer than the time between
    /// two of them.
    poll: Option<Poll>,
}

/// ```text
/// Frontiers ─▶ Edges, by pages ─▶ Services, by pages ─▶ End ─▶ Live
/// ```
#[derive(Clone, Copy, Debug)]
enum Stage {
    Frontiers,
    Edges(u64),
    Services(u64),
    End,
    Live,
}

impl Source {
    /// Starts with a snapshot of what is so at `position` or later.
    pub(super) fn new(
        directory: Arc<dyn Directory>,
        scans: Scans,
        writes: WriteState,
        feed: Arc<Feed>,
        filter: WatchFilter,
        position: Position,
    ) -> Self {
        let (stage, changes) = (Stage::Frontiers, VecDeque::new());
        Self { directory, scans, writes, feed, filter, stage, position, changes, poll: None }
    }

    /// Starts after the position, without a snapshot.
    pub(super) fn live(self) -> Self {
        Self { stage: Stage::Live, ..self }
    }

    /// The next part of the snapshot. Parts in which nothing would be are left out.
    async fn snapshot(&mut self) -> Result<WatchEvent, ApiError> {
        let mut part = Snapshot::default();
        loop {
            match self.stage {
                Stage::Frontiers => {
                    part.first = true;
                    if self.filter.frontiers {
                        let frontiers = self.directory.frontiers().await?;
                        self.writes.check_absent(frontiers.is_empty())?;
                        part.frontiers = frontiers.into_iter().map(Into::into).collect();
                    }
                    self.stage = Stage::Edges(0);
                }
                Stage::Edges(_) if !self.filter.edges => self.stage = Stage::Services(0),
                Stage::Edges(from) => {
                    let page = self.scans.edges(from, MAX_PAGE).await?;
                    part.edges = page.items.into_iter().map(Into::into).collect();
                    self.stage = page.next.map_or(Stage::Services(0), Stage::Edges);
                }
                Stage::Services(_) if !self.filter.services => self.stage = Stage::End,
                Stage::Services(from) => {
                    let page = self.scans.services(from, MAX_PAGE).await?;
                    part.services = page.items.into_iter().map(Into::into).collect();
                    self.stage = page.next.map_or(Stage::End, Stage::Services);
                }
                Stage::End => {
                    self.stage = Stage::Live;
                    part.last = true;
                    return Ok(WatchEvent::SnapshotEnd(part, self.position));
                }
                Stage::Live => return Ok(WatchEvent::Keepalive(self.position)),
            }
            let empty = part.frontiers.is_empty() && part.edges.is_empty() && part.services.is_empty();
            if !empty && !matches!(self.stage, Stage::End) {
                return Ok(WatchEvent::Snapshot(part));
            }
        }
    }

    /// The next change, or a keepalive when there is none in time.
    async fn change(&mut self, keepalive_at: Instant) -> Result<WatchEvent, ApiError> {
        loop {
            while let Some(next) = self.changes.pop_front() {
                self.position.number = next.number;
                if self.filter.matches(&next.change) {
                    return Ok(WatchEvent::Change(next.change.clone().into(), self.position));
                }
            }
            if Instant::now() >= keepalive_at {
                return Ok(WatchEvent::Keepalive(self.position));
            }
            let (feed, position) = (&self.feed, self.position);
            let poll = self.poll.get_or_insert_with(|| {
                let feed = feed.clone();
                Box::pin(async move { feed.after(position).await })
            });
            let Ok(changes) = timeout_at(keepalive_at, poll).await else {
                return Ok(WatchEvent::Keepalive(self.position));
            };
            self.poll = None;
            self.changes = changes?.into();
        }
    }
}

impl WatchSource for Source {
    type Item = WatchEvent;

    async fn next(&mut self, keepalive_at: Instant) -> Result<WatchEvent, ApiError> {
        match self.stage {
            Stage::Live => self.change(keepalive_at).await,
            _ => self.snapshot().await,
        }
    }

    /// A poll that is not polled would hold the lock of the feed, and hold up all other watchers.
    fn pause(&mut self) {
        self.poll = None;
    }
}
