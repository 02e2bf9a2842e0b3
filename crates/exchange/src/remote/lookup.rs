//! What finds edges at other gateways, and who waits for them to be found.

use crate::envelope::{CorrelationId, RequestKind};
use crate::lobby::Room;
use crate::{Exchange, Failure, Peer};
use frontier_protocol::EdgeId;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// Reaches edges at other gateways.
pub trait RemoteEdges: Debug + Send + Sync {
    /// The gateway where the edge was last, if the link to it stands and nobody waits for the edge: who comes later
    /// must not overtake. `now` is the exchange's clock.
    fn known(&self, edge: EdgeId, now: u32) -> Option<Arc<Peer>>;

    /// The edge is not at `owner`.
    fn forget(&self, edge: EdgeId, owner: &Arc<Peer>);

    /// The gateway of this id has connected here: it may be reached again, if it could not be.
    fn met(&self, gateway: &str) {
        let _ = gateway;
    }

    /// Has the edge looked for, and resolves `lookup` with what is found, behind all who asked for the edge before.
    fn look_up(&self, exchange: &Arc<Exchange>, edge: EdgeId, lookup: Lookup);
}

/// Where an edge was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// At this gateway, or so it is said.
    Here,
    /// At another one, to which this is the link.
    At(Arc<Peer>),
}

impl Found {
    /// Fails if the edge was found where it was found not to be.
    pub(super) fn unless(self, avoid: Option<&Arc<Peer>>, edge: EdgeId) -> Result<Self, Failure> {
        match (&self, avoid) {
            (Self::At(owner), Some(avoid)) if Arc::ptr_eq(owner, avoid) => {
                Err(Failure::edge_not_online(edge))
            }
            _ => Ok(self),
        }
    }
}

/// Somebody who waits for an edge to be found.
#[derive(Debug)]
pub struct Lookup(pub(super) Waiting);

#[derive(Debug)]
pub(super) enum Waiting {
    /// A request that waits in the lobby.
    Request(Box<Parked>),
    /// A task that waits by itself.
    Task { reply: oneshot::Sender<Result<Found, Failure>>, _room: Room },
}

/// A call or a message whose edge is looked for.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) requester: Arc<Peer>,
    /// Under which it is in the lobby; `None` if nobody waits for its reply.
    pub(super) correlation: Option<CorrelationId>,
    /// The requester's id for it.
    pub(super) id: u64,
    pub(super) kind: RequestKind,
    pub(super) name: Box<str>,
    pub(super) custom: Box<[u8]>,
    pub(super) trace: Box<[u8]>,
    pub(super) payload: Box<[u8]>,
    pub(super) deadline: Instant,
    /// The gateway that gave it back.
    pub(super) returned_by: Option<Arc<Peer>>,
    pub(super) _room: Room,
}
