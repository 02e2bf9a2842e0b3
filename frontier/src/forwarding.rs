//! Questions of services for edges that are connected to other gateways.
//!
//! ```text
//!   service ─▶ exchange ─▶ a place that is known, a link that stands ─▶ holder ─▶ edge
//!                  │
//!                  └─▶ Lobby: waits ─▶ search: place? ─▶ Neighbour: dial ─▶ on its way
//!                                       └ asks frontlas
//! ```
//!
//! This gateway is the *forwarder* of its services' questions, and the *holder* of the edges that are
//! connected to it. What a forwarder sends here is answered here or not at all, so a question makes one hop
//! and never a circle. The exchange decides and waits for nothing; who must wait does so in a search, of which
//! there is one for each edge, under the question's own deadline.
//!
//! A place that is known may be wrong: then the holder gives the question back, and it is looked for once more.

mod callers;
mod greeting;
mod link;
mod neighbour;
mod neighbours;
mod places;
mod search;

pub(crate) use callers::{Callers, Guest, describe};
pub(crate) use places::{Found, Parked, Seeker};

use crate::cluster::Locator;
use crate::config::Forward;
use crate::exchange::{Exchange, Failure};
use crate::peer::{Identity, Peer};
use frontier_protocol::{Code, EdgeId, Epoch, Terms};
use frontier_transport::LinkHandle;
use neighbour::Dialler;
use neighbours::Neighbours;
use places::Places;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What those who wait may hold together, in units of 1 KiB.
const ROOM: usize = 16 * 1024;

/// What each of them counts for at least, in units.
const LEAST: usize = 4;

/// Reaches edges at other gateways.
#[derive(Debug)]
pub(crate) struct Forwarding {
    /// The id of this gateway.
    own: Box<str>,
    /// It holds this itself.
    exchange: Weak<Exchange>,
    locator: Locator,
    places: Places,
    neighbours: Neighbours,
    /// Whom questions are entered with while it is looked for their edge.
    lobby: Arc<Peer>,
    room: Arc<Semaphore>,
    stop: CancellationToken,
    /// Links to other gateways.
    links: TaskTracker,
}

impl Forwarding {
    /// For the gateway `own`, which shows others what `forward` says.
    pub(crate) fn new(own: &str, forward: &Forward, locator: Locator, exchange: &Arc<Exchange>) -> Arc<Self> {
        let stop = CancellationToken::new();
        let links = TaskTracker::new();
        let dialler = Dialler {
            own: own.into(),
            forward: forward.clone(),
            exchange: Arc::downgrade(exchange),
            stop: stop.clone(),
            links: links.clone(),
        };
        Arc::new(Self {
            own: own.into(),
            exchange: Arc::downgrade(exchange),
            locator,
            places: Places::default(),
            neighbours: Neighbours::new(dialler),
            lobby: lobby(),
            room: Arc::new(Semaphore::new(ROOM)),
            stop,
            links,
        })
    }

    /// Whom questions are entered with while it is looked for their edge.
    pub(crate) fn lobby(&self) -> &Arc<Peer> {
        &self.lobby
    }

    /// The gateway where the edge was last, if the link to it stands and nobody waits for the edge.
    pub(crate) fn known(&self, edge: EdgeId, now: u32) -> Option<Arc<Peer>> {
        self.places.known(edge)?.holder(now)
    }

    /// The edge is not at `holder`.
    pub(crate) fn forget(&self, edge: EdgeId, holder: &Arc<Peer>) {
        self.places.forget(edge, holder);
    }

    /// A place for somebody who waits and holds so many bytes.
    ///
    /// # Errors
    /// When too many wait.
    pub(crate) fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Failure> {
        let units = u32::try_from((bytes / 1024 + 1).max(LEAST)).unwrap_or(u32::MAX);
        self.room.clone().try_acquire_many_owned(units).map_err(|_| {
            let text = "too many questions wait for edges that are looked for at other gateways";
            Failure::new(Code::Overloaded, text)
        })
    }

    /// Has the edge looked for. The seeker gets what is found, behind all who asked for the edge before.
    pub(crate) fn seek(self: &Arc<Self>, edge: EdgeId, seeker: Seeker) {
        if let Some(hint) = self.places.seek(edge, seeker) {
            tokio::spawn(search::run(self.clone(), edge, hint));
        }
    }

    /// Where the edge is, with a link to it, but not at `avoid`, where it was found not to be.
    ///
    /// # Errors
    /// If it is nowhere, or that can't be found out, or it can't be reached there.
    pub(crate) async fn find(
        self: &Arc<Self>,
        edge: EdgeId,
        avoid: Option<&Arc<Peer>>,
        now: u32,
    ) -> Result<Found, Failure> {
        if avoid.is_none()
            && let Some(holder) = self.known(edge, now)
        {
            return Ok(Found::At(holder));
        }
        let room = self.room(0)?;
        let (reply, found) = oneshot::channel();
        self.seek(edge, Seeker::Waiter { reply, _room: room });
        let found = found.await.unwrap_or_else(|_| Err(Failure::plain(Code::Internal)))?;
        found.unless(avoid, edge)
    }

    /// Ends all links to other gateways, in good order.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.links.close();
        self.links.wait().await;
    }
}

#[cfg(test)]
impl Forwarding {
    /// The gateway at `location` answers by this link.
    pub(crate) fn stand_in(&self, location: &crate::cluster::Location, holder: &Arc<Peer>) {
        self.neighbours.get(location).unwrap().stand_in(holder);
    }

    /// Takes all the room that there is.
    pub(crate) fn fill(&self) -> OwnedSemaphorePermit {
        self.room.clone().try_acquire_many_owned(u32::try_from(ROOM).unwrap()).unwrap()
    }
}

/// Nobody answers there: what is entered with it waits, is cancelled, or is too late.
fn lobby() -> Arc<Peer> {
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let terms = Terms { max_frame: u32::MAX, heartbeat_ms: u32::MAX };
    Arc::new(Peer::new(Identity::Lobby, Epoch(0), nowhere, LinkHandle::closed(), terms))
}
