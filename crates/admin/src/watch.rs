//! Watches: streams of changes, each a task of its own.
//!
//! A watch is a task and not a body: a body is not polled while its peer reads nothing, and whatever lock or
//! place in a queue it held then, it would keep. The task always runs; only its few items wait.

use crate::config::ServerConfig;
use crate::error::ApiError;
use futures_util::Stream;
use futures_util::stream::unfold;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::{SendTimeoutError, TrySendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many items may wait for a peer. An item may be a page of a snapshot, so this bounds the memory of a slow
/// watcher; a few keep the source busy while the peer reads.
const MAX_WAITING_ITEMS: usize = 8;

/// Where the items of one watch come from.
pub trait WatchSource: Send + 'static {
    /// What the watcher is sent.
    type Item: Send + 'static;

    /// The next item. When there is none by `keepalive_at`, an item that says so: else nobody would notice that
    /// the peer has gone.
    ///
    /// It is dropped unfinished only together with the source.
    fn next(&mut self, keepalive_at: Instant) -> impl Future<Output = Result<Self::Item, ApiError>> + Send;

    /// The peer reads nothing for now, so [`next`](Self::next) will not be polled. Whatever others wait for must
    /// be let go.
    fn pause(&mut self) {}
}

/// Opens watches, and bounds their number.
#[derive(Clone, Debug)]
pub struct Watches {
    permits: Arc<Semaphore>,
    limit: usize,
    keepalive: Duration,
    slow_peer_timeout: Duration,
    stopping: CancellationToken,
    /// Counts how often all were ended.
    ended: watch::Sender<u64>,
}

/// The right to one watch, given back when it ends.
#[derive(Debug)]
pub struct WatchSlot {
    watches: Watches,
    permit: OwnedSemaphorePermit,
}

impl Watches {
    pub(crate) fn new(config: &ServerConfig, stopping: CancellationToken) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(config.watchers)),
            limit: config.watchers,
            keepalive: config.keepalive,
            slow_peer_timeout: config.slow_peer_timeout,
            stopping,
            ended: watch::Sender::new(0),
        }
    }

    /// Ends all that are open, since who may watch has changed: whoever still may opens another, from where it was.
    pub fn end_all(&self) {
        self.ended.send_modify(|count| *count += 1);
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.limit.saturating_sub(self.permits.available_permits())
    }

    /// A place for one more watch. Take it first: what opening a watch costs is then bounded as well.
    ///
    /// # Errors
    /// [`ApiError::TooManyWatches`] at the limit.
    pub fn reserve(&self) -> Result<WatchSlot, ApiError> {
        let permit = self.permits.clone().try_acquire_owned();
        let permit = permit.map_err(|_| ApiError::TooManyWatches(self.limit))?;
        Ok(WatchSlot { watches: self.clone(), permit })
    }
}

impl WatchSlot {
    /// Starts the watch. It ends with its first error: that of its source, [`ApiError::SlowWatcher`],
    /// [`ApiError::AccessChanged`], or [`ApiError::Draining`] when the server stops.
    pub fn start<S: WatchSource>(
        self,
        source: S,
    ) -> impl Stream<Item = Result<S::Item, ApiError>> + Send + use<S> {
        let (sender, receiver) = mpsc::channel(MAX_WAITING_ITEMS);
        let (end, ended) = oneshot::channel();
        tokio::spawn(self.run(source, sender, end));
        unfold((receiver, Some(ended)), async |(mut receiver, mut ended)| {
            if let Some(item) = receiver.recv().await {
                return Some((Ok(item), (receiver, ended)));
            }
            let error = ended.take()?.await.unwrap_or(ApiError::Internal);
            Some((Err(error), (receiver, None)))
        })
    }

    /// Runs until it fails, the peer is too slow, or nobody listens.
    async fn run<S: WatchSource>(
        self,
        mut source: S,
        sender: mpsc::Sender<S::Item>,
        end: oneshot::Sender<ApiError>,
    ) {
        let Self { watches, permit: _permit } = self;
        let mut ended = watches.ended.subscribe();
        let Watches { stopping, keepalive, slow_peer_timeout, ended: _held, .. } = watches;
        let mut last_item = Instant::now();
        let error = loop {
            let next = tokio::select! {
                biased;
                () = stopping.cancelled() => break ApiError::Draining,
                // It does not fail: the sender is held here.
                _ = ended.changed() => break ApiError::AccessChanged,
                () = sender.closed() => return,
                next = source.next(last_item + keepalive) => next,
            };
            let item = match next {
                Ok(item) => item,
                Err(error) => break error,
            };
            last_item = Instant::now();
            let item = match sender.try_send(item) {
                Ok(()) => continue,
                Err(TrySendError::Closed(_)) => return,
                Err(TrySendError::Full(item)) => item,
            };
            source.pause();
            let sent = tokio::select! {
                biased;
                () = stopping.cancelled() => break ApiError::Draining,
                _ = ended.changed() => break ApiError::AccessChanged,
                sent = sender.send_timeout(item, slow_peer_timeout) => sent,
            };
            match sent {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(_)) => break ApiError::SlowWatcher(slow_peer_timeout),
                Err(SendTimeoutError::Closed(_)) => return,
            }
        };
        // Fails only if nobody listens.
        let _ = end.send(error);
    }
}
