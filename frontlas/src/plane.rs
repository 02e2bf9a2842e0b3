//! The frontier plane: what frontiers tell of themselves and of who is connected to them.
//!
//! ```text
//!   accept ─▶ handshake (Hello, who is it?, join, Welcome) ─▶ session: one task per frontier
//!                                                    │ Report ─▶ Reporter ─▶ Directory ─▶ ReportAck
//!                                                    │ Ping   ─▶ refresh, beside the reports
//!                                                    └ Lookup ─▶ Directory ─▶ LookupAck
//!   Directory::frontiers ─▶ rebalance ─▶ each frontier: the others, and how many edges to keep
//!                        └▶ members ───▶ each frontier: all others, and where they are reached
//!   Directory::changes ─▶ superseded ─▶ the frontier that an edge has moved away from
//! ```
//!
//! Nothing of a connection but its Hello is looked at before it is known who it is, and until then it counts among
//! the few that may be on their way in (`handshakes`).
//!
//! A connection ends only by its frontier, by silence, or by a breach of the protocol: whatever the
//! directory does, the frontier gets an answer that says what to do next. The end of a connection
//! removes nothing from the directory; the time to live does, or a regular `GoAway`.

mod clock;
mod config;
mod connections;
mod context;
mod handshake;
mod handshakes;
mod log;
mod lookup;
mod members;
mod pending;
mod rebalance;
mod reporter;
mod review;
mod session;
mod superseded;

pub use config::PlaneConfig;
pub use rebalance::RebalanceConfig;

use crate::{Directory, PlaneAccess};
use clock::DirectoryClock;
use connections::Connections;
use context::{CLOSE_TIMEOUT, Context, DIRECTORY_TIMEOUT};
use frontier_protocol::Terms;
use frontier_transport::Listener;
use handshakes::Handshakes;
use log::PlaneLog;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// Why the plane did not start.
#[derive(Debug, Error)]
#[error("can't listen on {addr} for frontiers")]
pub struct PlaneError {
    /// The configured address.
    pub addr: SocketAddr,
    /// What the operating system said.
    pub source: io::Error,
}

/// Tells how many frontiers are connected.
pub(crate) struct FrontierCount(Connections);

impl FrontierCount {
    pub(crate) fn now(&self) -> usize {
        self.0.len()
    }
}

/// Listens for frontiers.
pub struct Plane {
    listener: Listener,
    addr: SocketAddr,
    context: Context,
    rebalance: RebalanceConfig,
}

impl Plane {
    /// Listens. Frontiers wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`PlaneError`] if the address can't be listened on.
    pub fn bind(config: PlaneConfig, directory: Arc<dyn Directory>) -> Result<Self, PlaneError> {
        let fail = |source| PlaneError { addr: config.listen.addr, source };
        let link = Arc::new(config.link());
        let terms = Terms {
            max_frame: frontier_protocol::MIN_MAX_FRAME,
            heartbeat_ms: u32::try_from((directory.ttl() / 3).as_millis()).unwrap_or(u32::MAX).max(1),
        };
        let listener = Listener::bind(config.listen.clone()).map_err(fail)?;
        let addr = listener.local_addr().map_err(fail)?;
        info!(%addr, tls = config.listen.tls.is_some(), "listening for frontiers");
        let context = Context {
            directory,
            connections: Connections::default(),
            clock: DirectoryClock::default(),
            terms,
            link,
            access: PlaneAccess::open(),
            tls: config.listen.tls.clone(),
            permits: Arc::new(Semaphore::new(config.frontiers)),
            handshakes: Handshakes::default(),
            log: PlaneLog::default(),
        };
        Ok(Self { listener, addr, context, rebalance: config.rebalance })
    }

    /// Has those who connect say who they are. Without this everybody may be any frontier.
    #[must_use]
    pub fn with_access(mut self, access: PlaneAccess) -> Self {
        self.context.access = access;
        self
    }

    /// How many frontiers are connected, now and later.
    pub(crate) fn count(&self) -> FrontierCount {
        FrontierCount(self.context.connections.clone())
    }

    /// Where frontiers connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop`. Then the frontiers are told to go elsewhere; what is known of them stays, they
    /// have their time to live for that.
    pub async fn run(mut self, stop: CancellationToken) {
        let (sessions, context) = (TaskTracker::new(), Arc::new(self.context));
        sessions.spawn(superseded::run(context.clone(), stop.clone()));
        sessions.spawn(members::run(context.clone(), stop.clone()));
        sessions.spawn(rebalance::run(context.clone(), self.rebalance, stop.clone()));
        let (ticking, until) = (context.clone(), stop.clone());
        sessions.spawn(async move { ticking.clock.run(&*ticking.directory, DIRECTORY_TIMEOUT, until).await });
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            // Whoever gives way is told nothing: an answer costs more than it is worth.
            let place = context.handshakes.take(accepted.peer);
            sessions.spawn(session::run(context.clone(), accepted, place, stop.clone()));
        }
        sessions.close();
        if tokio::time::timeout(2 * CLOSE_TIMEOUT, sessions.wait()).await.is_err() {
            warn!(
                connections = sessions.len(),
                "did not wait any longer for frontiers to close their connections"
            );
        }
    }
}

impl std::fmt::Debug for Plane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plane").field("addr", &self.addr).finish_non_exhaustive()
    }
}
