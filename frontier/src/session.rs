//! One connection of the native wire from its accept to its end. Its task owns the link.
//!
//! ```text
//!   handshake (Hello) ──▶ join (id, take-over, callbacks, Welcome) ──▶ serve ──▶ leave
//!         └────────────── Reject ───────────────┘
//! ```

mod edge;
mod handshake;
mod notice;
mod origin_gateway;
mod service;

use crate::config::{Config, Limits};
use crate::gate::GateError;
use crate::native::{self, Native, NativeOutlet, StreamLimits};
use crate::policy::{Admission, Policies};
use frontier_access::ClockReading;
use frontier_exchange::{AuthorizationCell, Exchange, Failure, Identity, Latch, Peer, Seat, Stage};
use frontier_protocol::{Code, Epoch, GoAway, Heartbeat, Reject, Role};
use frontier_transport::{Accepted, CloseReason, Link, LinkConfig};
use handshake::Handshake;
pub(crate) use notice::{Alternatives, Notice};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tracing::field::display;
use tracing::{debug, info};

/// How long a link that is being closed may take to say so to its peer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What every session of one side needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) role: Role,
    pub(crate) limits: Limits,
    pub(crate) edge_ids: EdgeIds,
    pub(crate) link: Arc<LinkConfig>,
    /// Everything that runs for a connection, and what is left to be said to it.
    pub(crate) sessions: TaskTracker,
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
        let edgebound = &config.edgebound;
        Self {
            exchange,
            policies,
            role,
            limits: config.limits.clone(),
            edge_ids: EdgeIds {
                allocate: edgebound.allocate_ids,
                requested: edgebound.requested_ids,
                callback_timeout: edgebound.callback_timeout,
            },
            link: Arc::new(config.limits.link(role)),
            sessions: TaskTracker::new(),
            notice: OnceLock::new(),
            closing: Latch::default(),
        }
    }

    /// Sends a peer away again that came online too late to be told with the others.
    fn tell_if_draining(&self, peer: &Peer) {
        if let Some(notice) = self.notice.get() {
            notice.tell(peer, Duration::ZERO, self.exchange.clock());
        }
    }

    /// Closes a peer that came into the registry too late to be closed with the others.
    fn close_if_closing(&self, peer: &Peer) {
        if self.closing.is_set() {
            peer.advance(Stage::Gone);
            peer.outlet().close(frontier_exchange::CloseReason::Local);
        }
    }

    /// Has a policy judge a peer that has come into the registry, if it has come into force since the peer was let in: it
    /// may have missed the peer when it looked at all.
    fn review(&self, peer: &Arc<Peer>, admission: &Admission) {
        if !Arc::ptr_eq(&self.policies.current(), &admission.policy) {
            self.policies.review(&self.exchange, peer, ClockReading::now());
        }
    }

    /// A peer on `link`, which has not joined yet.
    fn peer(
        &self,
        identity: Identity,
        arrival: Arrival,
        authorization: AuthorizationCell,
        handshake: &Handshake,
        link: &Link,
    ) -> Arc<Peer> {
        let Arrival { addr, epoch } = arrival;
        let outlet = NativeOutlet::new(link.handle(), handshake.terms.max_frame, self.limits.frame);
        let silence = Heartbeat::limit(Duration::from_millis(handshake.terms.heartbeat_ms.into()));
        let peer = Peer::new(identity, epoch, Some(addr), Box::new(outlet), silence);
        Arc::new(peer.authorized(authorization))
    }

    /// What carries frames and streams for a peer that has joined.
    fn native(&self, seat: &Seat, link: &Link) -> Native {
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
struct Arrival {
    addr: SocketAddr,
    /// Of two connections with one id that one counts which was accepted later, however long their handshakes take: a
    /// dialler that has given one up and made another must not lose it to the first.
    epoch: Epoch,
}

impl Arrival {
    fn now(exchange: &Exchange, addr: SocketAddr) -> Self {
        Self { addr, epoch: exchange.next_epoch() }
    }
}

/// Runs a connection that came to the listener of this number to its end. It counts as come from this call on.
pub(crate) fn run(
    context: Arc<Context>,
    listener: u16,
    accepted: Accepted,
) -> impl Future<Output = ()> + Send {
    let arrival = Arrival::now(&context.exchange, accepted.peer);
    async move {
        // Boxed, so that a connection that is idle does not hold the room that its handshake took.
        let admitted = Box::pin(async {
            let (handshake, link) = handshake::accept(&context, accepted).await?;
            admit(&context, listener, handshake, arrival.addr, link).await
        });
        let Some((handshake, admission, link)) = admitted.await else { return };
        match handshake.role {
            Role::Edge => edge::run(&context, handshake, admission, arrival, link).await,
            Role::Service => service::run(&context, handshake, admission, arrival, link).await,
            // Boxed, since there are few of them: an idle edge need not have the room.
            Role::Frontier => {
                Box::pin(origin_gateway::run(&context, handshake, admission, arrival, link)).await;
            }
        }
    }
}

/// Judges the credentials of who has said Hello. `None` if that was refused.
async fn admit(
    context: &Context,
    listener: u16,
    mut handshake: Handshake,
    addr: SocketAddr,
    link: Link,
) -> Option<(Handshake, Admission, Link)> {
    let presented = std::mem::take(&mut handshake.presented);
    match Admission::new(&context.policies, handshake.role, listener, addr, presented, &handshake.meta) {
        Ok(admission) => Some((handshake, admission, link)),
        Err(failure) => {
            context.policies.log_failed(handshake.role, addr, &failure);
            reject(link, &failure).await;
            None
        }
    }
}

/// Tells a connection that it is one too many.
pub(crate) async fn turn_away(context: Arc<Context>, accepted: Accepted, error: GateError) {
    let addr = accepted.peer;
    if let Some((_, link)) = Box::pin(handshake::accept(&context, accepted)).await {
        debug!(%addr, %error, "turned away");
        reject(link, &Failure::new(Code::Overloaded, error.to_string())).await;
    }
}

async fn reject(link: Link, failure: &Failure) {
    let Failure { code, detail, text } = failure;
    let closed = link.close(|out| Reject { code: *code, detail: *detail, text }.encode(out));
    // Whether the peer still hears it is up to the peer.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
}

/// Ends the link of `peer` and everything in flight on it.
fn leave(context: &Context, peer: &Arc<Peer>, mut link: Link, reason: &CloseReason) {
    // Nothing is queued behind this, so what was not sent is all there.
    peer.advance(Stage::Gone);
    let unsent = link.take_unsent(reason.clone());
    context.exchange.leave(peer, &native::unsent(&unsent));
    let close_code = match reason {
        CloseReason::Superseded => Some(Code::Superseded),
        CloseReason::Refused(code, _) => Some(*code),
        CloseReason::Local => Some(Code::Draining),
        CloseReason::Protocol(_) => Some(Code::Protocol),
        CloseReason::Silent | CloseReason::SlowPeer => Some(Code::Disconnected),
        CloseReason::Peer | CloseReason::Lost(_) => None,
    };
    if let Some(code) = close_code {
        let text = reason.to_string();
        // On its own: nobody waits for a peer that may be half open.
        context.sessions.spawn(async move {
            let closed = link.close(|out| GoAway::new(code, 0, &text).encode(out));
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
        });
    }
}

fn log_end(peer: &Peer, reason: &CloseReason) {
    let (id, addr) = (peer.number(), peer.addr().map(display));
    match (peer.edge_id(), reason) {
        (Some(_), CloseReason::Protocol(_)) => info!(edge = id, addr, %reason, "edge disconnected"),
        (Some(_), _) => debug!(edge = id, addr, %reason, "edge disconnected"),
        (None, _) if peer.is_origin_gateway() => {
            info!(frontier = peer.name(), addr, %reason, "another gateway asks here no more");
        }
        (None, _) => info!(service = id, name = peer.name(), addr, %reason, "service disconnected"),
    }
}

fn welcome(context: &Context, handshake: &Handshake, peer: &Peer) -> frontier_protocol::Welcome {
    frontier_protocol::Welcome {
        version: frontier_protocol::VERSION,
        features: 0,
        max_frame: handshake.terms.max_frame,
        heartbeat_ms: handshake.terms.heartbeat_ms,
        id: peer.number(),
        epoch: peer.epoch(),
        max_payload: context.limits.payload,
        directory_time: None,
    }
}
