//! The gateway as a peer of its own, whose outlet gives replies to the tasks that wait for them.

use crate::envelope::{CorrelationId, Outcome, RequestKind};
use crate::outgoing::Outgoing;
use crate::outlet::{CloseReason, Outlet, QueueError, Queued};
use crate::{Failure, Identity, Peer, Stage};
use ahash::AHashMap;
use frontier_protocol::{Code, EdgeId, Epoch};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot};

/// How many calls the gateway itself has in flight at once; more wait for their turn.
const MAX_IN_FLIGHT: usize = 4096;

/// How many of them one service may have, so that one that does not answer holds up its own edges and no others.
const MAX_AT_ONE: usize = MAX_IN_FLIGHT / 4 * 3;

/// A reply to the gateway itself.
#[derive(Clone, Debug)]
pub struct OwnReply {
    /// `Ok`, or the kind of error.
    pub code: Code,
    /// What the code leaves open, as it stands on the wire.
    pub detail: u32,
    /// The payload, or the error's text.
    pub payload: Vec<u8>,
    /// Whether it is not known if the call was done: it was lost on its way.
    pub is_uncertain: bool,
}

impl OwnReply {
    pub(crate) fn error(code: Code, text: &str) -> Self {
        Self { code, detail: 0, payload: text.as_bytes().to_vec(), is_uncertain: code == Code::Deadline }
    }

    pub(crate) fn failure(failure: Failure) -> Self {
        Self { detail: failure.detail, ..Self::error(failure.code, &failure.text) }
    }

    /// An error behind which the call may have been done.
    pub(crate) fn uncertain(failure: Failure) -> Self {
        Self { is_uncertain: true, ..Self::failure(failure) }
    }

    /// The payload as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

/// The gateway as a peer of its own, and who waits for its replies.
#[derive(Debug)]
pub(crate) struct OwnCalls {
    peer: Arc<Peer>,
    replies: Arc<Replies>,
    permits: Semaphore,
    /// What each service may have, by its epoch. There is one as long as a call is in flight or waits.
    by_service: Mutex<AHashMap<u64, Arc<Semaphore>>>,
    last_id: AtomicU64,
}

impl OwnCalls {
    pub(crate) fn new() -> Self {
        let replies = Arc::<Replies>::default();
        let outlet = Box::new(replies.clone());
        let peer = Peer::new(Identity::Gateway, Epoch(0), None, outlet, Duration::MAX);
        peer.advance(Stage::Online);
        Self {
            peer: Arc::new(peer),
            replies,
            permits: Semaphore::new(MAX_IN_FLIGHT),
            by_service: Mutex::default(),
            last_id: AtomicU64::new(0),
        }
    }

    /// The gateway itself.
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Waits until there may be one more call to `service`, for as long as the permit is held.
    ///
    /// # Errors
    /// Never: the semaphores are not closed.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn permit(&self, service: &Peer) -> Result<Permit<'_>, AcquireError> {
        let key = service.epoch().0;
        let new = || Arc::new(Semaphore::new(MAX_AT_ONE));
        let at_service = self.by_service.lock().entry(key).or_insert_with(new).clone();
        // Before anything is waited for: whoever comes last clears up.
        let mut permit = Permit { own_calls: self, key, held: None };
        let one = at_service.acquire_owned().await?;
        permit.held = Some((one, self.permits.acquire().await?));
        Ok(permit)
    }

    /// The id of a new call, and where its reply comes.
    pub(super) fn expect_reply(&self) -> (u64, oneshot::Receiver<Option<OwnReply>>) {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let (reply, replied) = oneshot::channel();
        self.replies.waiting.lock().insert(id, reply);
        (id, replied)
    }

    /// Nobody waits any more for the reply to the call of this id.
    pub(super) fn forget(&self, id: u64) {
        self.replies.waiting.lock().remove(&id);
    }

    /// The other gateway that was called has nobody to answer.
    pub(crate) fn give_back(&self, id: u64) {
        let waiting = self.replies.waiting.lock().remove(&id);
        if let Some(waiting) = waiting {
            // The task may have stopped waiting.
            let _ = waiting.send(None);
        }
    }

    /// Tells when a call that another gateway made is cancelled.
    pub(super) fn cancelled(&self, correlation: CorrelationId) -> Cancelled {
        let (cancel, cancelled) = oneshot::channel();
        self.replies.served.lock().insert(correlation.0, cancel);
        Cancelled { replies: self.replies.clone(), correlation: correlation.0, cancelled }
    }
}

/// Tells when a call that another gateway made is cancelled, for as long as it is there.
pub(super) struct Cancelled {
    replies: Arc<Replies>,
    correlation: u64,
    cancelled: oneshot::Receiver<()>,
}

impl Cancelled {
    pub(super) async fn wait(&mut self) {
        // The sender is there until it has sent, or this is dropped.
        let _ = (&mut self.cancelled).await;
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.replies.served.lock().remove(&self.correlation);
    }
}

/// That one more call may be in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    own_calls: &'a OwnCalls,
    key: u64,
    held: Option<(OwnedSemaphorePermit, SemaphorePermit<'a>)>,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut by_service = self.own_calls.by_service.lock();
        // Who holds one of its permits, or waits for one, has it as well.
        if by_service.get(&self.key).is_some_and(|it| Arc::strong_count(it) == 1) {
            by_service.remove(&self.key);
        }
    }
}

/// The outlet of the gateway itself: whoever waits for a reply gets it.
#[derive(Debug, Default)]
struct Replies {
    /// By the id of the call. `None` is sent where nobody was there to reply.
    waiting: Mutex<AHashMap<u64, oneshot::Sender<Option<OwnReply>>>>,
    /// Calls of other gateways that are answered here, by correlation id.
    served: Mutex<AHashMap<u64, oneshot::Sender<()>>>,
}

impl Outlet for Arc<Replies> {
    fn request(&self, _: &Outgoing<'_>) -> Result<Queued, QueueError> {
        Err(QueueError::Closed("the gateway takes no requests itself".into()))
    }

    fn reply(
        &self,
        id: u64,
        _: RequestKind,
        _: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        let waiting = self.waiting.lock().remove(&id);
        if let Some(waiting) = waiting {
            // The task may have stopped waiting.
            let Outcome { code, detail, payload, .. } = outcome;
            let is_uncertain = code == Code::Deadline;
            let _ = waiting.send(Some(OwnReply { code, detail, payload: payload.to_vec(), is_uncertain }));
        }
        Ok(Queued::SENT)
    }

    fn cancel(&self, correlation: CorrelationId) -> Result<Queued, QueueError> {
        let served = self.served.lock().remove(&correlation.0);
        if let Some(served) = served {
            // The task may be over.
            let _ = served.send(());
        }
        Ok(Queued::SENT)
    }

    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}
