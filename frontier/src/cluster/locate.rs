//! Lookups at frontlas: asked for anywhere in the gateway, sent by the connection to frontlas.

use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Lookups that wait to be sent.
const MAX_QUEUED: usize = 256;

/// How long a lookup may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Where an edge is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The id of the frontier.
    pub frontier: String,
    /// Where services reach it, a URL.
    pub servicebound: String,
}

/// Why it is not known where an edge is. Another attempt may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LocateError {
    /// No frontlas can be reached.
    #[error("frontlas can't be reached")]
    Unreachable,
    /// Too many ask at once.
    #[error("too many lookups at once: wait and try again")]
    Overloaded,
    /// Frontlas does not answer.
    #[error("frontlas gave no answer within {LOOKUP_TIMEOUT:?}")]
    Timeout,
    /// Frontlas could not tell.
    #[error("frontlas answered the lookup with an error: {0}")]
    Failed(Code),
}

/// Asks frontlas where edges are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Locator {
    requests: mpsc::Sender<LookupRequest>,
    is_connected: Arc<AtomicBool>,
}

/// A lookup to be sent, and where its answer goes.
#[derive(Debug)]
pub(crate) struct LookupRequest {
    pub(crate) edge: EdgeId,
    pub(crate) reply: oneshot::Sender<Found>,
}

pub(crate) type Found = Result<Option<Location>, LocateError>;

/// The other end of a [`Locator`].
#[derive(Debug)]
pub(crate) struct LookupQueue {
    pub(crate) requests: mpsc::Receiver<LookupRequest>,
    is_connected: Arc<AtomicBool>,
}

impl Locator {
    pub(crate) fn new() -> (Self, LookupQueue) {
        let (sender, requests) = mpsc::channel(MAX_QUEUED);
        let is_connected = Arc::<AtomicBool>::default();
        (
            Self { requests: sender, is_connected: is_connected.clone() },
            LookupQueue { requests, is_connected },
        )
    }

    /// Where `edge` is; `None` if it is nowhere. Takes one exchange with frontlas, 5 s at most.
    ///
    /// # Errors
    /// [`LocateError`]. When frontlas can't be reached, at once.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn locate(&self, edge: EdgeId) -> Result<Option<Location>, LocateError> {
        if !self.is_connected.load(Ordering::Relaxed) {
            return Err(LocateError::Unreachable);
        }
        let (reply, found) = oneshot::channel();
        self.requests.try_send(LookupRequest { edge, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LocateError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => LocateError::Unreachable,
        })?;
        match tokio::time::timeout(LOOKUP_TIMEOUT, found).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(LocateError::Unreachable),
            Err(_) => Err(LocateError::Timeout),
        }
    }
}

impl LookupQueue {
    /// Whether lookups can be sent from here on. If not, those that wait are given up.
    pub(crate) fn set_connected(&mut self, is_connected: bool) {
        self.is_connected.store(is_connected, Ordering::Relaxed);
        if !is_connected {
            while self.requests.try_recv().is_ok() {}
        }
    }
}
