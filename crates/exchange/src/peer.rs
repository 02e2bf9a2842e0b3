//! One connection, as everyone but its own wire sees it.

use crate::authorization::AuthorizationCell;
use crate::balance::Affinity;
use crate::claim::Claim;
use crate::counters::Direction;
use crate::latch::Latch;
use crate::outgoing::LocalCaller;
use crate::outlet::Outlet;
use crate::pending::Pending;
use crate::remote_edge::LocalEdge;
use crate::silence::Liveness;
use bytes::Bytes;
use frontier_protocol::{EdgeId, Epoch, ServiceId, Session};
use parking_lot::Mutex;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Who a peer is.
#[derive(Debug)]
pub enum Identity {
    /// An edge.
    Edge {
        /// Its id.
        id: EdgeId,
        /// What it presented when it connected.
        meta: Bytes,
    },
    /// A service.
    Service {
        /// Its id.
        id: ServiceId,
        /// Its name; may be empty.
        name: Box<str>,
    },
    /// Another gateway, which asks here for its services and edges.
    OriginGateway {
        /// The other gateway's id.
        id: Box<str>,
    },
    /// Another gateway, which is asked for its edges and services.
    OwnerGateway {
        /// The other gateway's id.
        id: Box<str>,
    },
    /// This gateway, which calls services itself.
    Gateway,
    /// Nobody: with it are pending the requests whose edge is looked for.
    Lobby,
}

/// How far a connection is in its life.
///
/// ```text
///   Joining ──▶ Online ──▶ Moved ──▶ Leaving ──▶ Gone
///      │           ├─────────┼─────────▲          ▲
///      └───────────┴─────────┴────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// It has its id, but the handshake is not over: nothing is routed to it.
    Joining = 0,
    /// It takes and sends requests.
    Online = 1,
    /// It has gone to another gateway already. A service stays for the edges that are still here, an edge until
    /// the cluster knows where it is now.
    Moved = 2,
    /// It finishes what is in flight and takes nothing new.
    Leaving = 3,
    /// Its connection is closed, or about to be.
    Gone = 4,
}

/// Where a peer is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// It has connected.
    Connection,
    /// It is a part of the gateway.
    Part,
    /// The gateway asks itself with it.
    Probe,
}

/// One connection: who is there, what is pending from and to it, and the way to it.
#[derive(Debug)]
pub struct Peer {
    identity: Identity,
    epoch: Epoch,
    /// The epoch of its client's first connection under its id.
    since: Epoch,
    /// Which attempt of which client it is: see [`Claim`].
    attempt: u32,
    addr: Option<SocketAddr>,
    outlet: Box<dyn Outlet>,
    pub(crate) pending: Mutex<Pending>,
    authorization: AuthorizationCell,
    /// Which services an edge is sent to.
    pub(crate) affinity: Affinity,
    departed: Latch,
    stage: AtomicU8,
    /// One byte: there are a million peers.
    origin: Origin,
    /// Whether it counts as reachable for those who follow the registry.
    listed: AtomicBool,
    liveness: Liveness,
    /// When it was last asked to go elsewhere, in seconds of the exchange's clock.
    asked_to_move: AtomicU32,
    /// Whether the cluster knows of a later connection of this edge, elsewhere.
    relocated: AtomicBool,
    /// What the peer had read when its queue was last seen to move, and when that was.
    progress: AtomicU64,
    progress_at: AtomicU32,
}

impl Peer {
    /// A connection whose handshake is not over, from `addr` if it has an address. Silence longer than `silence_limit`
    /// will end it.
    #[must_use]
    pub fn new(
        identity: Identity,
        epoch: Epoch,
        addr: Option<SocketAddr>,
        outlet: Box<dyn Outlet>,
        silence_limit: Duration,
    ) -> Self {
        Self {
            identity,
            epoch,
            since: epoch,
            attempt: 0,
            addr,
            outlet,
            pending: Mutex::default(),
            authorization: AuthorizationCell::default(),
            affinity: Affinity::default(),
            departed: Latch::default(),
            stage: AtomicU8::new(Stage::Joining as u8),
            origin: Origin::Connection,
            listed: AtomicBool::new(false),
            liveness: Liveness::new(silence_limit),
            asked_to_move: AtomicU32::new(u32::MAX),
            relocated: AtomicBool::new(false),
            // Nothing that was ever seen: the first look starts the count.
            progress: AtomicU64::new(u64::MAX),
            progress_at: AtomicU32::new(0),
        }
    }

    /// The same, with what it may do.
    #[must_use]
    pub fn authorized(self, authorization: AuthorizationCell) -> Self {
        Self { authorization, ..self }
    }

    /// The same, with what its client says of itself across its connections.
    #[must_use]
    pub fn of_session(self, session: Session) -> Self {
        let Claim { since, attempt, .. } = self.claim().by(session);
        Self { since, attempt, ..self }
    }

    /// The same, as one with which the gateway asks itself.
    pub(crate) fn of_probe(self) -> Self {
        Self { origin: Origin::Probe, ..self }
    }

    /// The same, as a part of the gateway: no policy judges it, nobody kicks it, and no drain waits for it.
    #[must_use]
    pub fn of_gateway(self) -> Self {
        Self { origin: Origin::Part, ..self }
    }

    /// Whether it is a part of the gateway.
    pub fn is_of_gateway(&self) -> bool {
        self.origin == Origin::Part
    }

    pub(crate) fn is_probe(&self) -> bool {
        self.origin == Origin::Probe
    }

    /// Whether its client has had its id before, on an earlier connection.
    pub fn comes_back(&self) -> bool {
        self.since < self.epoch
    }

    /// With what it claims its id.
    pub(crate) fn claim(&self) -> Claim {
        Claim { epoch: self.epoch, since: self.since, attempt: self.attempt }
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Which of the connections of its id: a later one has a greater epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Where it has connected from; `None` for what has no address, such as what is inside the gateway.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The same without the port.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.addr.map(|addr| addr.ip())
    }

    /// The way to it.
    #[inline]
    pub fn outlet(&self) -> &dyn Outlet {
        &*self.outlet
    }

    /// What it may do.
    pub fn authorization(&self) -> &AuthorizationCell {
        &self.authorization
    }

    /// Set once everyone who must know has been told that the peer has left.
    pub fn departed(&self) -> &Latch {
        &self.departed
    }

    /// How far it is in its life.
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Joining,
            1 => Stage::Online,
            2 => Stage::Moved,
            3 => Stage::Leaving,
            _ => Stage::Gone,
        }
    }

    /// Whether requests go to it.
    pub fn is_online(&self) -> bool {
        matches!(self.stage(), Stage::Online | Stage::Moved)
    }

    /// Moves on to a later stage. A stage that has passed does not come back.
    pub fn advance(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }

    /// Whether it counts as reachable for those who follow who is here.
    pub fn is_listed(&self) -> bool {
        self.listed.load(Ordering::Acquire)
    }

    pub(crate) fn list(&self) {
        self.listed.store(true, Ordering::Release);
    }

    /// Whether it was listed.
    pub(crate) fn delist(&self) -> bool {
        self.listed.swap(false, Ordering::AcqRel)
    }

    /// It has been heard from, at `now`, in milliseconds of the exchange's clock.
    pub fn hear(&self, now: u64) {
        self.liveness.hear(now);
    }

    pub(crate) fn liveness(&self) -> &Liveness {
        &self.liveness
    }

    /// Notes that it is asked to go elsewhere.
    pub fn note_asked_to_move(&self, now: u32) {
        self.asked_to_move.store(now, Ordering::SeqCst);
    }

    /// Whether it was ever asked to go elsewhere.
    pub fn was_asked_to_move(&self) -> bool {
        self.asked_to_move.load(Ordering::SeqCst) != u32::MAX
    }

    /// Whether it was asked to in the last so many seconds.
    pub fn was_asked_to_move_within(&self, seconds: u32, now: u32) -> bool {
        let asked = self.asked_to_move.load(Ordering::SeqCst);
        asked != u32::MAX && now.saturating_sub(asked) <= seconds
    }

    /// The cluster knows of a later connection of this edge.
    pub(crate) fn set_relocated(&self) {
        self.relocated.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_relocated(&self) -> bool {
        self.relocated.load(Ordering::SeqCst)
    }

    /// Whether it has been silent for too long, in milliseconds of the exchange's clock. Silence counts from the
    /// first time that it was heard.
    pub(crate) fn is_silent(&self, now: u64) -> bool {
        self.liveness.left(now) == Some(0)
    }

    /// Whether something, of which `backlog` bytes are left, has waited for it for `limit` seconds without its reading any
    /// of it.
    pub(crate) fn is_stuck(&self, now: u32, limit: u32, backlog: usize) -> bool {
        let written = self.outlet.written();
        let (seen, since) = (&self.progress, &self.progress_at);
        if seen.swap(written, Ordering::Relaxed) != written || backlog == 0 {
            since.store(now, Ordering::Relaxed);
            return false;
        }
        now.saturating_sub(since.load(Ordering::Relaxed)) >= limit
    }

    /// The id of an edge.
    #[inline]
    pub fn edge_id(&self) -> Option<EdgeId> {
        match self.identity {
            Identity::Edge { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Its id as a number. That of another gateway only tells its connections apart.
    pub fn number(&self) -> u64 {
        match self.identity {
            Identity::Edge { id, .. } => id.0,
            Identity::Service { id, .. } => id.0,
            _ => self.epoch.0,
        }
    }

    /// A service's name, or the id of another gateway; empty for others.
    pub fn name(&self) -> &str {
        match &self.identity {
            Identity::Service { name, .. } => name,
            Identity::OriginGateway { id } | Identity::OwnerGateway { id } => id,
            Identity::Edge { .. } | Identity::Gateway | Identity::Lobby => "",
        }
    }

    /// Whether it is a service.
    #[inline]
    pub fn is_service(&self) -> bool {
        matches!(self.identity, Identity::Service { .. })
    }

    /// Whether it is another gateway, which has the edges that it is asked for.
    #[inline]
    pub fn is_owner_gateway(&self) -> bool {
        matches!(self.identity, Identity::OwnerGateway { .. })
    }

    /// Whether it is another gateway, which asks for its services.
    #[inline]
    pub fn is_origin_gateway(&self) -> bool {
        matches!(self.identity, Identity::OriginGateway { .. })
    }

    /// Which way goes what it sends.
    #[inline]
    pub(crate) fn direction(&self) -> Direction {
        match self.identity {
            _ if self.is_probe() => Direction::Probe,
            Identity::Edge { .. } => Direction::ToService,
            Identity::Gateway => Direction::Own,
            _ => Direction::ToEdge,
        }
    }

    /// Whether it is no connection: its pending requests have bounds of another kind.
    pub(crate) fn is_internal(&self) -> bool {
        matches!(self.identity, Identity::Gateway | Identity::Lobby)
    }

    /// Whether anything is in flight from or to the peer.
    pub fn is_busy(&self) -> bool {
        self.pending.lock().is_busy() || self.outlet.streams() > 0 || self.outlet.backlog() > 0
    }

    /// Whether any request from or to the peer waits for its reply.
    #[cfg(test)]
    pub(crate) fn has_pending(&self) -> bool {
        self.pending.lock().is_busy()
    }

    /// Requests of its own that wait for their reply.
    pub fn sent(&self) -> usize {
        self.pending.lock().sent()
    }

    /// Requests that were forwarded to it and wait for its reply.
    pub fn in_flight(&self) -> usize {
        self.pending.lock().in_flight()
    }

    /// As another gateway is told of it.
    pub(crate) fn as_caller(&self) -> LocalCaller<'_> {
        LocalCaller {
            id: ServiceId(self.number()),
            name: self.name(),
            address: self.ip(),
            authorization: &self.authorization,
        }
    }

    /// An edge, as another gateway is told of it.
    pub(crate) fn as_remote_edge(&self, id: EdgeId) -> LocalEdge<'_> {
        LocalEdge { id, address: self.ip(), authorization: &self.authorization }
    }

    /// What those are told whose request was with it when its connection ended.
    pub(crate) fn lost(&self) -> String {
        match &self.identity {
            Identity::Edge { id, .. } => format!("the connection to edge {id} was lost"),
            Identity::Service { name, .. } => format!("the connection to the service {name:?} was lost"),
            Identity::OriginGateway { id } | Identity::OwnerGateway { id } => {
                format!("the connection to frontier {id} was lost")
            }
            Identity::Gateway | Identity::Lobby => "the gateway stopped looking for the edge".to_owned(),
        }
    }

    /// What it is called as the receiver of something, for the sender.
    pub(crate) fn as_receiver(&self) -> String {
        match &self.identity {
            Identity::OwnerGateway { id } => format!("the link to frontier {id}"),
            _ => "the receiver".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
