use crate::cluster::{AdvertiseError, Advertised, Bound, Locator, Member};
use crate::config::{Config, Listen};
use crate::exchange::Exchange;
use crate::gate::Gate;
use crate::peer::{Peer, Stage};
use crate::session::{self, Context};
use crate::sweep;
use frontier_protocol::{Code, GoAway, Role};
use frontier_transport::{Bind, CloseReason, Listener, Priority};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

/// Connections beyond the limit that may be told so at the same time; more are dropped unanswered.
const TURNED_AWAY: usize = 64;

/// How long leaving the cluster may take.
const LEAVE: Duration = Duration::from_secs(5);

/// How often it is looked whether everything in flight is over.
const DRAIN_CHECK: Duration = Duration::from_millis(25);

/// Why the gateway did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address could not be listened on.
    #[error("can't listen on {addr} for {side}")]
    Listen {
        /// The configured address.
        addr: SocketAddr,
        /// Edges or services.
        side: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others of the cluster could not reach the gateway.
    #[error(transparent)]
    Advertise(#[from] AdvertiseError),
}

/// A part of the gateway has failed; the rest of it must not go on without.
#[derive(Clone, Copy, Debug, Error)]
#[error("the sweep of deadlines has failed")]
pub struct ServeError;

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A gateway that listens on both sides.
#[derive(Debug)]
pub struct Gateway {
    exchange: Arc<Exchange>,
    edges: Side,
    services: Side,
    grace: Duration,
    last_words: Duration,
    member: Option<(Member, Locator)>,
}

/// One listener and the sessions that came through it.
#[derive(Debug)]
struct Side {
    listener: Listener,
    addr: SocketAddr,
    context: Arc<Context>,
    gate: Arc<Gate>,
}

impl Gateway {
    /// Listens on both addresses. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`StartError`] if an address can't be listened on.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        let exchange = Exchange::new(config.limits.clone(), config.balance, config.call_timeout);
        let services = Side::bind(&exchange, Role::Service, config, config.servicebound)?;
        let edges = Side::bind(&exchange, Role::Edge, config, config.edgebound.listen)?;
        let member = config.membership.as_ref().map(|membership| {
            let advertised = Advertised::new(membership, services.bound(), edges.bound())?;
            Ok::<_, StartError>(Member::new(exchange.clone(), membership, advertised))
        });
        Ok(Self {
            services,
            edges,
            member: member.transpose()?,
            grace: config.daemon.grace,
            last_words: config.edgebound.callback_timeout + Duration::from_secs(2),
            exchange,
        })
    }

    /// Where edges connect to.
    #[must_use]
    pub fn edgebound(&self) -> SocketAddr {
        self.edges.addr
    }

    /// Where services connect to.
    #[must_use]
    pub fn servicebound(&self) -> SocketAddr {
        self.services.addr
    }

    /// Tells where the edges of the cluster are; `None` if the gateway is part of none.
    #[must_use]
    pub fn locator(&self) -> Option<Locator> {
        self.member.as_ref().map(|(_, locator)| locator.clone())
    }

    /// Serves until `stop`, then drains: nobody new is let in, everyone is told, and what is in flight
    /// may end within the grace. Edges go first, so that services hear of every one of them; then the
    /// services go.
    ///
    /// # Errors
    /// [`ServeError`] if a part of the gateway fails before `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServeError> {
        let Self { exchange, edges, services, grace, last_words, member } = self;
        let leave = CancellationToken::new();
        let leaves = leave.clone();
        let mut membership = tokio::spawn(async move {
            if let Some((member, _)) = member {
                member.run(leaves).await;
            }
        });
        let _belonging = AbortOnDrop(membership.abort_handle());
        let mut sweeper = tokio::spawn(sweep::run(exchange));
        let _sweeping = AbortOnDrop(sweeper.abort_handle());
        let accepting = async { tokio::join!(edges.accept(stop.clone()), services.accept(stop.clone())) };
        let (edges, services) = tokio::select! {
            accepted = accepting => accepted,
            _ = &mut sweeper => return Err(ServeError),
        };
        let deadline = Instant::now() + grace;
        for (side, name) in [(edges, "edges"), (services, "services")] {
            drain(&side, deadline).await;
            close_all(&side);
            finish(&side.sessions, name, last_words).await;
        }
        leave.cancel();
        if tokio::time::timeout(LEAVE, &mut membership).await.is_err() {
            warn!("gave up waiting for frontlas");
        }
        Ok(())
    }
}

impl Side {
    fn bind(
        exchange: &Arc<Exchange>,
        role: Role,
        config: &Config,
        listen: Listen,
    ) -> Result<Self, StartError> {
        let side = match role {
            Role::Edge => "edges",
            Role::Service | Role::Frontier => "services",
        };
        let fail = |source| StartError::Listen { addr: listen.addr, side, source };
        let listener = Listener::bind(Bind::tcp(listen.addr)).map_err(fail)?;
        let addr = listener.local_addr().map_err(fail)?;
        info!(%addr, "listening for {side}");
        let limits = &config.limits;
        Ok(Self {
            listener,
            addr,
            context: Arc::new(Context::new(exchange.clone(), role, config.clone())),
            gate: Gate::new(limits.connections, limits.connections_per_address),
        })
    }

    fn bound(&self) -> Bound {
        Bound { scheme: "tcp", addr: self.addr }
    }

    /// Starts a session for each connection until `stop`; the sessions go on. Nothing but accepting is
    /// waited for here.
    async fn accept(mut self, stop: CancellationToken) -> Arc<Context> {
        let sessions = &self.context.sessions;
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match self.gate.enter(accepted.peer.ip()) {
                Ok(permit) => {
                    let session = session::run(self.context.clone(), accepted);
                    sessions.spawn(async move {
                        session.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    debug!(addr = %accepted.peer, %error, "one connection too many");
                    if let Ok(permit) = turned_away.clone().try_acquire_owned() {
                        let turned_away = session::turn_away(self.context.clone(), accepted, error);
                        sessions.spawn(async move {
                            turned_away.await;
                            drop(permit);
                        });
                    }
                }
            }
        }
        sessions.close();
        self.context
    }
}

/// Tells every peer of one side, and waits until nothing is in flight there or the grace is over.
async fn drain(context: &Context, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let grace_ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
    for_each(context, |peer| {
        let notice = GoAway { code: Code::Draining, grace_ms, text: "the gateway is stopping" };
        // A peer whose link is closed is on its way out already.
        let _ = peer.link.send(Priority::Answer, |out| notice.encode(out));
    });
    let mut idle = 0;
    // Twice in a row, so that an answer that is between two tables is not missed.
    while idle < 2 {
        if Instant::now() >= deadline {
            warn!("the grace is over with calls or streams in flight");
            return;
        }
        tokio::time::sleep(DRAIN_CHECK).await;
        let mut busy = false;
        for_each(context, |peer| busy |= peer.is_busy());
        idle = if busy { 0 } else { idle + 1 };
    }
}

/// Closes every connection of one side, and those that are still in their handshake.
fn close_all(context: &Context) {
    context.closing.set();
    for_each(context, |peer| {
        peer.advance(Stage::Gone);
        peer.link.close(CloseReason::Local);
    });
}

fn for_each(context: &Context, visit: impl FnMut(&Arc<Peer>)) {
    let registry = &context.exchange.registry;
    match context.role {
        Role::Edge => registry.edges.for_each(visit),
        Role::Service | Role::Frontier => registry.services.for_each(visit),
    }
}

async fn finish(sessions: &TaskTracker, side: &str, deadline: Duration) {
    if tokio::time::timeout(deadline, sessions.wait()).await.is_err() {
        warn!(left = sessions.len(), "gave up waiting for {side} to leave");
    }
}
