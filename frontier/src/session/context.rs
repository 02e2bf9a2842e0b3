//! What sessions share, and what of one connection is known from the start.

use super::connection::Connection;
use super::counters::SessionCounters;
use super::handshake::Handshake;
use super::notice::Notice;
use crate::carriers::Carriers;
use crate::config::{Bypass, Config, Limits, Listen};
use crate::gate::Gate;
use crate::native::{Native, StreamLimits};
use crate::policy::{Admission, Policies};
use frontier_access::HalfOpen;
use frontier_exchange::{AuthorizationCell, Exchange, Failure, Identity, Latch, Peer, Seat, Stage};
use frontier_protocol::{Epoch, Heartbeat, Role, Session};
use frontier_transport::{Link, LinkConfig};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Connections beyond the limit that may be told so at the same time; more are dropped unanswered.
const MAX_TURNED_AWAY: usize = 64;

/// What every session of one side needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) role: Role,
    pub(crate) limits: Limits,
    pub(crate) edge_ids: EdgeIds,
    /// Where connections go that speak neither wire.
    pub(super) bypass: Option<Bypass>,
    pub(crate) link: Arc<LinkConfig>,
    /// In the order of their numbers.
    listeners: Vec<Listen>,
    /// Counts those whose handshake is under way.
    pub(crate) half_open: Arc<HalfOpen>,
    /// Counts those who were let in.
    pub(crate) gate: Arc<Gate>,
    /// Places for those who are told that they are one too many.
    pub(crate) turned_away: Arc<Semaphore>,
    /// Everything that runs for a connection, and what is left to be said to it.
    pub(crate) sessions: TaskTracker,
    /// The threads that carry them, where there are several.
    pub(crate) carriers: Option<Arc<Carriers>>,
    /// What became of connections.
    pub(crate) counters: SessionCounters,
    /// Set when the gateway begins to drain: what peers are told, and nobody new is let in.
    pub(crate) notice: OnceLock<Notice>,
    /// Set when the side is closed: no handshake goes on from here.
    pub(crate) closing: Latch,
}

/// How edges come by their ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgeIds {
    /// Whether edges are let in when no service gives out ids.
    pub(crate) allocate: bool,
    /// Whether such an edge gets the id that it asks for.
    pub(crate) requested: bool,
    /// How long a service may take over `get_edge_id`, `edge_online` and `edge_offline`.
    pub(crate) callback_timeout: Duration,
}

impl Context {
    pub(crate) fn new(exchange: Arc<Exchange>, policies: Arc<Policies>, role: Role, config: &Config) -> Self {
        let (edgebound, limits) = (&config.edgebound, &config.limits);
        let listeners = match role {
            Role::Edge => &edgebound.listeners,
            Role::Service | Role::Frontier => &config.servicebound.listeners,
        };
        Self {
            exchange,
            policies,
            role,
            limits: limits.clone(),
            listeners: listeners.clone(),
            half_open: HalfOpen::new(limits.handshakes, limits.handshakes_per_address),
            gate: Gate::new(limits.connections, limits.connections_per_address),
            turned_away: Arc::new(Semaphore::new(MAX_TURNED_AWAY)),
            edge_ids: EdgeIds {
                allocate: edgebound.allocate_ids,
                requested: edgebound.requested_ids,
                callback_timeout: edgebound.callback_timeout,
            },
            bypass: edgebound.bypass.clone().filter(|_| role == Role::Edge),
            link: Arc::new(limits.link(role)),
            sessions: TaskTracker::new(),
            carriers: None,
            counters: SessionCounters::default(),
            notice: OnceLock::new(),
            closing: Latch::default(),
        }
    }

    /// The same with its sessions on these threads.
    pub(crate) fn carried_by(self, carriers: Option<&Arc<Carriers>>) -> Self {
        Self { carriers: carriers.cloned(), ..self }
    }

    /// The listener of this number.
    pub(super) fn listener(&self, number: u16) -> Option<&Listen> {
        self.listeners.get(usize::from(number))
    }

    /// Sends a peer away again that came online too late to be told with the others.
    pub(super) fn tell_if_draining(&self, peer: &Peer) {
        if let Some(notice) = self.notice.get() {
            notice.tell(peer, Duration::ZERO, self.exchange.clock());
        }
    }

    /// Closes a peer that came into the registry too late to be closed with the others.
    pub(super) fn close_if_closing(&self, peer: &Peer) {
        if self.closing.is_set() {
            peer.advance(Stage::Gone);
            peer.outlet().close(frontier_exchange::CloseReason::Local);
        }
    }

    /// Has a policy judge a peer that has come into the registry, if it has come into force since the peer was let in: it
    /// may have missed the peer when it looked at all. Why it is not let in after all, if so; it is closed then.
    pub(super) fn review(&self, peer: &Arc<Peer>, admission: &Admission) -> Option<Failure> {
        self.policies.review_newcomer(&self.exchange, peer, &admission.policy).map(Failure::from)
    }

    /// A peer on `connection`, which has not joined yet.
    pub(super) fn peer(
        &self,
        identity: Identity,
        arrival: Arrival,
        authorization: AuthorizationCell,
        handshake: &Handshake,
        connection: &Connection,
    ) -> Arc<Peer> {
        let Handshake { id: wanted, terms, session, .. } = handshake;
        let Arrival { addr, epoch, .. } = arrival;
        let outlet = connection.outlet(self, handshake, &identity);
        let silence = Heartbeat::limit(Duration::from_millis(terms.heartbeat_ms.into()));
        let peer = Peer::new(identity, epoch, Some(addr), outlet, silence);
        let peer = peer.authorized(authorization);
        // Since when it holds another id says nothing of this one.
        let since = |session: Session| if peer.number() == *wanted { session.since } else { Epoch(0) };
        match session.map(|session| Session { since: since(session), ..session }) {
            Some(session) => Arc::new(peer.of_session(session)),
            None => Arc::new(peer),
        }
    }

    /// What carries frames and streams for a peer that has joined.
    pub(super) fn native(&self, seat: &Seat, link: &Link) -> Native {
        Native {
            exchange: self.exchange.clone(),
            peer: seat.peer().clone(),
            link: link.handle(),
            callers: None,
            limits: StreamLimits::new(&self.limits),
        }
    }
}

/// Where a connection has come from, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) addr: SocketAddr,
    /// Of two connections with one id that one counts which was accepted later, however long their handshakes take: a
    /// dialler that has given one up and made another must not lose it to the first.
    pub(super) epoch: Epoch,
    /// When it was accepted.
    pub(super) at: Instant,
}

impl Arrival {
    pub(super) fn now(exchange: &Exchange, addr: SocketAddr) -> Self {
        Self { addr, epoch: exchange.next_epoch(), at: Instant::now() }
    }
}
