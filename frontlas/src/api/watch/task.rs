use super::{Kinds, Told, Watches};
use crate::api::error::ApiError;
use crate::api::feed::FeedError;
use crate::directory::MAX_PAGE;
use crate::model::{Numbered, Position};
use frontier_api::cluster::Snapshot;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc::error::{SendTimeoutError, TrySendError};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

type Waiting = Pin<Box<dyn Future<Output = Result<Vec<Arc<Numbered>>, FeedError>> + Send>>;

/// What is told to one watcher, and how far it has been told.
pub(super) struct Watch {
    watches: Watches,
    kinds: Kinds,
    stage: Stage,
    /// The last change that was told or passed over; during the snapshot, where it began.
    position: Position,
    /// What comes next, at most a batch of the feed.
    found: VecDeque<Arc<Numbered>>,
    /// The look for more. It goes on across signs of life: a slow directory may take longer than there is
    /// between two of them.
    waiting: Option<Waiting>,
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
    /// Starts after a position, or else with a snapshot of what is so at `position` or later.
    pub(super) fn new(
        watches: Watches,
        permit: OwnedSemaphorePermit,
        kinds: Kinds,
        position: Position,
        snapshot: bool,
    ) -> Self {
        let stage = if snapshot { Stage::Frontiers } else { Stage::Live };
        let (found, told) = (VecDeque::new(), Instant::now());
        Self { watches, kinds, stage, position, found, waiting: None, told, _permit: permit }
    }

    /// Tells until it fails, the peer is too slow, or nobody listens. A task of its own: a body is not polled
    /// while its peer takes nothing, and what it held then, such as the feed, would be held up for all.
    pub(super) async fn run(mut self, sender: mpsc::Sender<Told>, end: oneshot::Sender<ApiError>) {
        let stop = self.watches.stop.clone();
        let error = loop {
            let told = tokio::select! {
                biased;
                () = stop.cancelled() => break ApiError::Draining,
                () = sender.closed() => return,
                told = self.next() => told,
            };
            let told = match told {
                Ok(told) => told,
                Err(error) => break error,
            };
            let told = match sender.try_send(told) {
                Ok(()) => continue,
                Err(TrySendError::Closed(_)) => return,
                Err(TrySendError::Full(told)) => told,
            };
            // Not polled while this waits, it would hold up the others.
            self.waiting = None;
            let sent = tokio::select! {
                biased;
                () = stop.cancelled() => break ApiError::Draining,
                sent = sender.send_timeout(told, self.watches.patience) => sent,
            };
            match sent {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(_)) => break ApiError::Slow(self.watches.patience),
                Err(SendTimeoutError::Closed(_)) => return,
            }
        };
        // Fails only if nobody listens.
        let _ = end.send(error);
    }

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
            let (feed, position) = (&self.watches.feed, self.position);
            let waiting = self.waiting.get_or_insert_with(|| {
                let feed = feed.clone();
                Box::pin(async move { feed.after(position).await })
            });
            let Ok(found) = timeout_at(late, waiting).await else {
                return Ok(Told::Alive(self.position));
            };
            self.waiting = None;
            self.found = found?.into();
        }
    }
}
