//! The lobby: with it are pending the requests whose edge is looked for.

use crate::envelope::{CorrelationId, Outcome, RequestKind};
use crate::outgoing::Outgoing;
use crate::outlet::{CloseReason, Outlet, QueueError, Queued};
use crate::{Failure, Identity, Peer, Stage};
use frontier_protocol::{Code, EdgeId, Epoch};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What those who wait in the lobby may hold together, in units of 1 KiB.
const LOBBY_SIZE: usize = 16 * 1024;

/// What each of them counts for at least, in units.
const MIN_CHARGE: usize = 4;

/// Where requests wait whose edge is looked for. Nobody answers there: what is pending with it waits, is cancelled,
/// or is too late.
#[derive(Debug)]
pub(crate) struct Lobby {
    peer: Arc<Peer>,
    room: Arc<Semaphore>,
}

impl Lobby {
    pub(crate) fn new() -> Self {
        let peer = Peer::new(Identity::Lobby, Epoch(0), None, Box::new(Nobody), Duration::MAX);
        peer.advance(Stage::Online);
        Self { peer: Arc::new(peer), room: Arc::new(Semaphore::new(LOBBY_SIZE)) }
    }

    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// A place for somebody who waits and holds so many bytes.
    pub(crate) fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Failure> {
        let units = u32::try_from((bytes / 1024 + 1).max(MIN_CHARGE)).unwrap_or(u32::MAX);
        self.room.clone().try_acquire_many_owned(units).map_err(|_| {
            let text = "too many requests wait for edges that are looked up at other gateways";
            Failure::new(Code::Overloaded, text)
        })
    }

    /// Takes all the room that there is.
    #[cfg(test)]
    pub(crate) fn fill(&self) -> OwnedSemaphorePermit {
        let all = u32::try_from(LOBBY_SIZE).expect("it is small");
        self.room.clone().try_acquire_many_owned(all).expect("nobody waits")
    }
}

/// The outlet of the lobby: nothing is ever sent there.
#[derive(Debug)]
struct Nobody;

impl Nobody {
    fn refuse<T>() -> Result<T, QueueError> {
        Err(QueueError::Closed("nobody is there".into()))
    }
}

impl Outlet for Nobody {
    fn request(&self, _: &Outgoing<'_>) -> Result<Queued, QueueError> {
        Self::refuse()
    }

    fn reply(&self, _: u64, _: RequestKind, _: Option<EdgeId>, _: Outcome<'_>) -> Result<Queued, QueueError> {
        Self::refuse()
    }

    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}
