//! The frontier plane: what frontiers tell of themselves and of who is connected to them.
//!
//! ```text
//!   accept ─▶ greet (Hello, join, Welcome) ─▶ session: one task per frontier
//!                                                │ Report ─▶ Reporter ─▶ Directory ─▶ ReportAck
//!                                                │ Ping   ─▶ refresh, beside the reports
//!                                                └ Lookup ─▶ Directory ─▶ LookupAck
//!   Directory::frontiers ─▶ Rebalance ─▶ each frontier: the others, and how many edges to keep
//!   Directory::changes ─▶ Moves ─▶ the frontier that an edge has moved away from
//! ```
//!
//! A connection ends only by its frontier, by silence, or by a breach of the protocol: whatever the
//! directory does, the frontier gets an answer that says what to do next. The end of a connection takes
//! nothing away; the time to live does, or a `GoAway` in good order.

mod config;
mod greeting;
mod lookup;
mod moves;
mod rebalance;
mod reporter;
mod roster;
mod session;
mod timekeeper;
mod turn;

pub use config::PlaneConfig;
pub use rebalance::RebalanceConfig;

use crate::Directory;
use frontier_protocol::Terms;
use frontier_transport::{LinkConfig, Listener};
use roster::Roster;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use timekeeper::Timekeeper;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// How long a connection may take from its accept to its Hello.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a link that is being closed may take to say so to its peer.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long the directory may take over one thing. Longer counts as no answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the plane did not start.
#[derive(Debug, Error)]
#[error("can't listen on {addr} for frontiers")]
pub struct PlaneError {
    /// The configured address.
    pub addr: SocketAddr,
    /// What the operating system said.
    pub source: io::Error,
}

/// Listens for frontiers.
pub struct Plane {
    listener: Listener,
    addr: SocketAddr,
    connections: Arc<Semaphore>,
    context: Arc<Context>,
    rebalance: RebalanceConfig,
}

/// What every session needs.
struct Context {
    directory: Arc<dyn Directory>,
    roster: Roster,
    timekeeper: Timekeeper,
    terms: Terms,
    link: Arc<LinkConfig>,
}

impl Plane {
    /// Listens. Frontiers wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`PlaneError`] if the address can't be listened on.
    pub fn bind(config: PlaneConfig, directory: Arc<dyn Directory>) -> Result<Self, PlaneError> {
        let fail = |source| PlaneError { addr: config.listen.addr, source };
        let connections = Arc::new(Semaphore::new(config.frontiers));
        let link = Arc::new(config.link());
        let terms = Terms {
            max_frame: frontier_protocol::MIN_MAX_FRAME,
            heartbeat_ms: u32::try_from((directory.ttl() / 3).as_millis()).unwrap_or(u32::MAX).max(1),
        };
        let listener = Listener::bind(config.listen.clone()).map_err(fail)?;
        let addr = listener.local_addr().map_err(fail)?;
        info!(%addr, "listening for frontiers");
        let context = Arc::new(Context {
            directory,
            roster: Roster::default(),
            timekeeper: Timekeeper::default(),
            terms,
            link,
        });
        Ok(Self { listener, addr, connections, context, rebalance: config.rebalance })
    }

    /// Where frontiers connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop`. Then the frontiers are told to go elsewhere; what is known of them stays, they
    /// have their time to live for that.
    pub async fn run(mut self, stop: CancellationToken) {
        let sessions = TaskTracker::new();
        sessions.spawn(moves::run(self.context.clone(), stop.clone()));
        sessions.spawn(rebalance::run(self.context.clone(), self.rebalance, stop.clone()));
        let (context, until) = (self.context.clone(), stop.clone());
        sessions.spawn(async move { context.timekeeper.run(&*context.directory, until).await });
        let mut refused = 0_u64;
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            let Ok(permit) = self.connections.clone().try_acquire_owned() else {
                refused += 1;
                if refused.is_power_of_two() {
                    warn!(addr = %accepted.peer, refused, "one connection of a frontier too many");
                }
                continue;
            };
            let session = session::run(self.context.clone(), accepted, stop.clone());
            sessions.spawn(async move {
                session.await;
                drop(permit);
            });
        }
        sessions.close();
        if tokio::time::timeout(2 * FAREWELL, sessions.wait()).await.is_err() {
            warn!(left = sessions.len(), "gave up waiting for frontiers to leave");
        }
    }
}

impl std::fmt::Debug for Plane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plane").field("addr", &self.addr).finish_non_exhaustive()
    }
}
