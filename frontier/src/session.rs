//! One connection from its accept to its end. Its task owns the link.
//!
//! ```text
//!   greet (Hello) ──▶ join (id, take-over, callbacks, Welcome) ──▶ serve ──▶ leave
//!         └──────────── Reject ──────────────┘
//! ```

mod edge;
mod forwarder;
mod greeting;
mod notice;
mod service;

use crate::config::{Config, Limits};
use crate::exchange::{Exchange, Failure};
use crate::gate::GateError;
use crate::latch::Latch;
use crate::peer::{Peer, Stage, Wakes};
use crate::policy::{Admission, Policies};
use frontier_access::Moment;
use frontier_protocol::{Code, Epoch, GoAway, Kind, Reject, Role};
use frontier_transport::{Accepted, CloseReason, Event, Link, LinkConfig};
use greeting::Greeting;
pub(crate) use notice::{Alternatives, Notice};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tracing::{debug, info};

/// How long a link that is being closed may take to say so to its peer.
const FAREWELL: Duration = Duration::from_secs(1);

/// What every session of one side needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) role: Role,
    pub(crate) config: Config,
    pub(crate) link: Arc<LinkConfig>,
    /// Everything that runs for a connection, and what is left to be said to it.
    pub(crate) sessions: TaskTracker,
    /// Set when the gateway begins to drain: what peers are told, and nobody new is let in.
    pub(crate) notice: OnceLock<Notice>,
    /// Set when the side is closed: no handshake goes on from here.
    pub(crate) closing: Latch,
}

impl Context {
    pub(crate) fn new(exchange: Arc<Exchange>, policies: Arc<Policies>, role: Role, config: Config) -> Self {
        let link = Arc::new(config.limits.link(role));
        Self {
            exchange,
            policies,
            role,
            config,
            link,
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
            peer.link.close(CloseReason::Local);
        }
    }

    /// Has a policy look at a peer that has come into the registry, if it has come into force since the peer
    /// was let in: it may have missed the peer when it looked at all.
    fn review(&self, peer: &Arc<Peer>, admission: &Admission) {
        if !Arc::ptr_eq(&self.policies.current(), &admission.policy) {
            self.policies.review(&self.exchange, peer, Moment::now());
        }
    }

    fn limits(&self) -> &Limits {
        &self.config.limits
    }
}

/// Where a connection has come from, and when.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    addr: SocketAddr,
    /// Of two connections with one id that one counts which was accepted later, however long their handshakes
    /// take: a dialler that has given one up and made another must not lose it to the first.
    epoch: Epoch,
}

impl Arrival {
    fn now(exchange: &Exchange, addr: SocketAddr) -> Self {
        Self { addr, epoch: exchange.next_epoch() }
    }
}

/// Runs a connection that came to the listener of this number to its end. It counts as come from this call
/// on.
pub(crate) fn run(
    context: Arc<Context>,
    listener: u16,
    accepted: Accepted,
) -> impl Future<Output = ()> + Send {
    let arrival = Arrival::now(&context.exchange, accepted.peer);
    async move {
        // Boxed, so that a connection that is idle does not hold the room that its handshake took.
        let admitted = Box::pin(async {
            let (greeting, link) = greeting::greet(&context, accepted).await?;
            admit(&context, listener, greeting, arrival.addr, link).await
        });
        let Some((greeting, admission, link)) = admitted.await else { return };
        match greeting.role {
            Role::Edge => edge::run(&context, greeting, admission, arrival, link).await,
            Role::Service => service::run(&context, greeting, admission, arrival, link).await,
            // Boxed, since there are few of them: an idle edge need not have the room.
            Role::Frontier => Box::pin(forwarder::run(&context, greeting, admission, arrival, link)).await,
        }
    }
}

/// Looks at who it is that has said Hello. `None` if that was refused.
async fn admit(
    context: &Context,
    listener: u16,
    mut greeting: Greeting,
    addr: SocketAddr,
    link: Link,
) -> Option<(Greeting, Admission, Link)> {
    let shown = std::mem::take(&mut greeting.shown);
    match Admission::new(&context.policies, greeting.role, listener, addr, shown, &greeting.meta) {
        Ok(admission) => Some((greeting, admission, link)),
        Err(failure) => {
            context.policies.log_failed(greeting.role, addr, &failure);
            reject(link, &failure).await;
            None
        }
    }
}

/// Tells a connection that it is one too many.
pub(crate) async fn turn_away(context: Arc<Context>, accepted: Accepted, error: GateError) {
    let addr = accepted.peer;
    if let Some((_, link)) = Box::pin(greeting::greet(&context, accepted)).await {
        debug!(%addr, %error, "turned away");
        reject(link, &Failure::new(Code::Overloaded, error.to_string())).await;
    }
}

async fn reject(link: Link, failure: &Failure) {
    let Failure { code, detail, text } = failure;
    let closed = link.close(|out| Reject { code: *code, detail: *detail, text }.encode(out));
    // Whether the peer still hears it is up to the peer.
    let _ = tokio::time::timeout(FAREWELL, closed).await;
}

/// Carries frames and streams until the link ends.
pub(crate) async fn serve(exchange: &Arc<Exchange>, peer: &Arc<Peer>, link: &mut Link) -> CloseReason {
    // What came in one piece with the Hello has been read already.
    if let Err(reason) = take_frames(exchange, peer, link) {
        return reason;
    }
    loop {
        match link.next().await {
            Ok(Event::Frames) => {
                if let Err(reason) = take_frames(exchange, peer, link) {
                    return reason;
                }
            }
            Ok(Event::Stream(stream)) => {
                tokio::spawn(exchange.clone().on_stream(peer.clone(), stream, false));
            }
            Ok(Event::ExcessStream(stream)) => {
                tokio::spawn(exchange.clone().on_stream(peer.clone(), stream, true));
            }
            Err(error) => return error.reason(),
        }
    }
}

/// Routes every frame that has come before anyone is woken.
pub(crate) fn take_frames(exchange: &Exchange, peer: &Arc<Peer>, link: &mut Link) -> Result<(), CloseReason> {
    peer.hear(exchange.clock());
    let mut wakes = Wakes::default();
    while let Some(frame) = link.frame().map_err(frontier_transport::LinkError::reason)? {
        if matches!(frame.kind, Kind::Request | Kind::Publish) {
            link.note_request();
        }
        exchange
            .on_frame(peer, &frame, &mut wakes)
            .map_err(|breach| CloseReason::Protocol(breach.to_string()))?;
    }
    Ok(())
}

/// Ends the link of `peer` and everything in flight on it.
fn leave(context: &Context, peer: &Arc<Peer>, mut link: Link, reason: &CloseReason) {
    match peer.edge_id() {
        Some(id) => context.exchange.registry.edges.withdraw(id, peer),
        None => peer.advance(Stage::Gone),
    }
    let unsent = link.take_unsent(reason.clone());
    context.exchange.retire(peer, &unsent);
    let farewell = match reason {
        CloseReason::Superseded => Some(Code::Superseded),
        CloseReason::Refused(code, _) => Some(*code),
        CloseReason::Local => Some(Code::Draining),
        CloseReason::Protocol(_) => Some(Code::Protocol),
        CloseReason::Silent | CloseReason::SlowPeer => Some(Code::Disconnected),
        CloseReason::Peer | CloseReason::Lost(_) => None,
    };
    if let Some(code) = farewell {
        let text = reason.to_string();
        // On its own: nobody waits for a peer that may be half open.
        context.sessions.spawn(async move {
            let closed = link.close(|out| GoAway::new(code, 0, &text).encode(out));
            let _ = tokio::time::timeout(FAREWELL, closed).await;
        });
    }
}

fn log_end(peer: &Peer, reason: &CloseReason) {
    let (id, addr) = (peer.wire_id(), peer.addr);
    match (peer.edge_id(), reason) {
        (Some(_), CloseReason::Protocol(_)) => info!(edge = id, %addr, %reason, "edge disconnected"),
        (Some(_), _) => debug!(edge = id, %addr, %reason, "edge disconnected"),
        (None, _) if peer.is_forwarder() => {
            info!(frontier = peer.name(), %addr, %reason, "another gateway asks here no more");
        }
        (None, _) => info!(service = id, name = peer.name(), %addr, %reason, "service disconnected"),
    }
}

fn welcome(context: &Context, greeting: &Greeting, peer: &Peer) -> frontier_protocol::Welcome {
    frontier_protocol::Welcome {
        version: frontier_protocol::VERSION,
        features: 0,
        max_frame: greeting.terms.max_frame,
        heartbeat_ms: greeting.terms.heartbeat_ms,
        id: peer.wire_id(),
        epoch: peer.epoch,
        max_payload: context.limits().payload,
        directory_time: None,
    }
}
