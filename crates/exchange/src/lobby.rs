//! The lobby: with it are pending the requests whose edge is looked for.

use crate::envelope::{CorrelationId, Outcome, RequestKind};
use crate::outgoing::Outgoing;
use crate::outlet::{CloseReason, Outlet, QueueError, Queued};
use crate::shares::{Asker, Holdings, has_share};
use crate::{Failure, Identity, Peer, Stage};
use frontier_protocol::{Code, EdgeId, Epoch};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// What those who wait in the lobby may hold together, in units of 1 KiB.
const LOBBY_SIZE: usize = 16 * 1024;

/// What each of them counts for at least, in units.
const MIN_CHARGE: usize = 4;

/// Where requests wait whose edge is looked for. Nobody answers there: what is pending with it waits, is cancelled,
/// or is too late.
#[derive(Debug)]
pub(crate) struct Lobby {
    peer: Arc<Peer>,
    taken: Arc<Mutex<Holdings>>,
}

/// A place in the lobby, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    taken: Arc<Mutex<Holdings>>,
    asker: Asker,
    units: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.lock().take(self.asker, self.units);
    }
}

impl Lobby {
    pub(crate) fn new() -> Self {
        let peer = Peer::new(Identity::Lobby, Epoch(0), None, Box::new(Nobody), Duration::MAX);
        peer.advance(Stage::Online);
        Self { peer: Arc::new(peer), taken: Arc::default() }
    }

    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// A place for `asker`, who waits and holds so many bytes.
    pub(crate) fn room(&self, asker: Asker, bytes: usize) -> Result<Room, Failure> {
        let units = (bytes / 1024 + 1).max(MIN_CHARGE);
        let mut taken = self.taken.lock();
        let free = LOBBY_SIZE.saturating_sub(taken.total());
        let text = if units > free {
            "too many requests wait for edges that are looked up at other gateways"
        } else if !has_share(taken.of(asker) + units - 1, free - (units - 1)) {
            "too many requests of this sender wait for edges that are looked up at other gateways; the rest of \
             the room is kept for other senders"
        } else {
            taken.add(asker, units);
            return Ok(Room { taken: self.taken.clone(), asker, units });
        };
        Err(Failure::new(Code::Overloaded, text))
    }

    /// How much of it is taken, in bytes.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().total() * 1024
    }

    /// Takes all the room that there is.
    #[cfg(test)]
    pub(crate) fn fill(&self) -> Room {
        let asker = Asker::of(&self.peer);
        self.taken.lock().add(asker, LOBBY_SIZE);
        Room { taken: self.taken.clone(), asker, units: LOBBY_SIZE }
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
