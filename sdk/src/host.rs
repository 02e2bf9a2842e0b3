//! Hosts: edges that compute what work sessions send them.
//!
//! ```text
//!   ServiceHost ── sessions.host: who it is, again and again ─▶ broker
//!               ◀─────────── sessions.execute: a request ─────
//! ```

mod announcing;
mod builder;
mod execution;
pub mod wire;

pub use builder::HostBuilder;
pub use execution::{HostError, HostRequest};

use crate::{Closed, ConnectError, Edge, EdgeId, HandlerError, Request, Response, StatusWatch};
use announcing::Announcing;
use execution::Execution;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;

/// A host of a service: it computes the requests of work sessions, as many at once as it says.
///
/// It is an edge, so it may stand wherever an edge may: behind NAT, in another cloud, on a compute node. It tells the broker
/// who it is when it connects, and again and again; a broker that hears nothing for a time does without it.
///
/// ```no_run
/// use frontier_sdk::{HostRequest, Response, ServiceHost};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let host = ServiceHost::builder("tcp://127.0.0.1:30012", "pricing")
///     .version("2.1")
///     .capacity(4)
///     .label("zone", "a")
///     .handler(|request: HostRequest| async move { Ok(Response::new(request.body)) })
///     .connect()
///     .await?;
/// // … until a signal …
/// host.drain(std::time::Duration::from_secs(15)).await;
/// # Ok(()) }
/// ```
///
/// Dropping it closes at once: requests that it has are given to other hosts.
pub struct ServiceHost {
    edge: Edge,
    shared: Arc<Shared>,
    announcing: Announcing,
}

/// What the handler and the announcements share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Those that it computes at once. It is closed to give back those that wait for one.
    places: Semaphore,
    /// Requests that it has been given.
    depth: AtomicU32,
    /// Whether it takes no more.
    draining: AtomicBool,
    /// Tells requests that they should come to an end: the time until they are cut.
    exiting: watch::Sender<Option<Duration>>,
    /// One less is running.
    ended: Notify,
}

impl ServiceHost {
    /// A host of `service` that will connect to the gateway at `url`, as an [`Edge`] does.
    pub fn builder(url: impl Into<String>, service: impl Into<String>) -> HostBuilder {
        HostBuilder::new(Edge::builder(url), service.into())
    }

    /// As [`builder`](Self::builder), for an edge with options of its own.
    pub fn of_edge(edge: crate::Builder<Edge>, service: impl Into<String>) -> HostBuilder {
        HostBuilder::new(edge, service.into())
    }

    async fn start(builder: HostBuilder) -> Result<Self, ConnectError> {
        let HostBuilder { edge, card, handler, on_exiting } = builder;
        let shared = Arc::new(Shared {
            places: Semaphore::new(card.capacity as usize),
            depth: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            exiting: watch::Sender::new(None),
            ended: Notify::new(),
        });
        let execution = Arc::new(Execution { handler, shared: shared.clone() });
        let execute = move |request: Request| {
            let execution = execution.clone();
            async move { execution.run(request).await }
        };
        let edge = edge.register(wire::EXECUTE, execute).connect().await?;
        let announcing = Announcing::start(edge.clone(), card, shared.clone(), on_exiting);
        Ok(Self { edge, shared, announcing })
    }

    /// Takes no more requests, tells the broker and the handlers so, and waits until those that it has are done, for at most
    /// `grace`; what is left then is given to other hosts. Then it is closed. Whether all were done.
    ///
    /// # Cancel safety
    /// When dropped half-way, the host is closed at once.
    pub async fn drain(self, grace: Duration) -> bool {
        self.shared.draining.store(true, Ordering::SeqCst);
        self.shared.places.close();
        self.announcing.leave(grace).await;
        self.shared.exiting.send_replace(Some(grace));
        let all_done = async {
            loop {
                let ended = self.shared.ended.notified();
                if self.shared.depth.load(Ordering::SeqCst) == 0 {
                    break;
                }
                ended.await;
            }
        };
        let done = timeout(grace, all_done).await.is_ok();
        if done {
            // The last answers go out before the connection ends. What goes wrong is seen by the broker.
            let _ = self.edge.close().await;
        }
        done
    }

    /// The id of its edge.
    #[must_use]
    pub fn id(&self) -> EdgeId {
        self.edge.id()
    }

    /// How many requests it has.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.shared.depth.load(Ordering::SeqCst)
    }

    /// How it stands to the gateway.
    #[must_use]
    pub fn status(&self) -> StatusWatch {
        self.edge.status()
    }

    /// Waits until it is closed for good, and returns why.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&self) -> Closed {
        self.edge.closed().await
    }
}

impl fmt::Debug for ServiceHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceHost").field("edge", &self.edge).field("depth", &self.depth()).finish()
    }
}
