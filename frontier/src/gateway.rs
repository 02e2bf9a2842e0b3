mod side;

use crate::cluster::{AdvertiseError, Advertised, Locator, Member};
use crate::config::{AccessErrors, Config};
use crate::exchange::Exchange;
use crate::peer::{Peer, Stage};
use crate::policy::{self, Policies};
use crate::reload::Live;
use crate::session::Context;
use crate::sweep;
use frontier_protocol::{Code, GoAway, Role};
use frontier_transport::{CloseReason, Priority};
use side::Side;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

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
    /// A side has no listener.
    #[error("there is no listener for {0}")]
    Nowhere(&'static str),
    /// Files that say who may connect and what they may do can't be used.
    #[error("{0}")]
    Access(AccessErrors),
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
    policies: Arc<Policies>,
    grace: Duration,
    last_words: Duration,
    member: Option<(Member, Locator)>,
}

impl Gateway {
    /// Listens on all addresses. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`StartError`] if an address can't be listened on, or there is something wrong with the files that say
    /// who may connect and what they may do.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        let access = crate::config::load(&config.access).map_err(StartError::Access)?;
        let exchange = Exchange::new(config.limits.clone(), config.balance, config.call_timeout);
        let policies = Arc::new(Policies::new(config, access));
        let bind = |role, listeners| Side::bind(&exchange, &policies, role, config, listeners);
        let services = bind(Role::Service, &config.servicebound.listeners)?;
        let edges = bind(Role::Edge, &config.edgebound.listeners)?;
        let member = config.membership.as_ref().map(|membership| {
            let advertised = Advertised::new(membership, &services.bound, &edges.bound)?;
            Ok::<_, StartError>(Member::new(exchange.clone(), membership, advertised))
        });
        Ok(Self {
            services,
            edges,
            policies: policies.clone(),
            member: member.transpose()?,
            grace: config.daemon.grace,
            last_words: config.edgebound.callback_timeout + Duration::from_secs(2),
            exchange,
        })
    }

    /// Where edges connect to, by the first of their listeners.
    #[must_use]
    pub fn edgebound(&self) -> SocketAddr {
        self.edges.addrs[0]
    }

    /// Where edges connect to, in the order of the configuration.
    #[must_use]
    pub fn edgebound_all(&self) -> &[SocketAddr] {
        &self.edges.addrs
    }

    /// Where services connect to, by the first of their listeners.
    #[must_use]
    pub fn servicebound(&self) -> SocketAddr {
        self.services.addrs[0]
    }

    /// Where services connect to, in the order of the configuration.
    #[must_use]
    pub fn servicebound_all(&self) -> &[SocketAddr] {
        &self.services.addrs
    }

    /// What reloads it while it runs.
    #[must_use]
    pub fn live(&self) -> Live {
        Live::new(self.exchange.clone(), self.policies.clone())
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
        let Self { exchange, edges, services, policies, grace, last_words, member } = self;
        let leave = CancellationToken::new();
        let leaves = leave.clone();
        let mut membership = tokio::spawn(async move {
            if let Some((member, _)) = member {
                member.run(leaves).await;
            }
        });
        let _belonging = AbortOnDrop(membership.abort_handle());
        let mut sweeper = tokio::spawn(sweep::run(exchange.clone()));
        let _sweeping = AbortOnDrop(sweeper.abort_handle());
        let watching = tokio::spawn(policy::watch(policies, exchange));
        let _watching = AbortOnDrop(watching.abort_handle());
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

/// Tells every peer of one side, and waits until nothing is in flight there or the grace is over.
async fn drain(context: &Context, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let grace_ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
    for_each(context, |peer| {
        let notice = GoAway::new(Code::Draining, grace_ms, "the gateway is stopping");
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
