//! Many gateways as one.
//!
//! ```text
//!   frontlas ── watch, list ──▶ Follower ──┬─▶ Members ─▶ one task each ─▶ a Client ─▶ its gateway
//!      ▲                                   └─▶ EdgeCache (edge ─▶ gateway)        │
//!      └───────── lookup ───────── reach(edge) ◀──────────┘                    └─▶ the one Intake
//! ```
//!
//! Whatever frontlas says or does not say, a connection to a gateway stands for as long as it is good, and
//! what is known of edges is used until the gateway itself says that it is wrong.

mod edge_cache;
mod follower;
mod member;
mod members;
mod registration;
mod routing;
mod service;
mod start;

pub use service::{ClusterService, FrontierStatus};

use crate::Error;
use crate::client::{Intake, RegisteredNames};
use crate::frontlas::Frontlas;
use crate::handlers::Handlers;
use crate::options::Options;
use crate::status::{Closed, Status, StatusWatch};
use crate::supervisor::CancelledAttempt;
use edge_cache::EdgeCache;
use frontier_protocol::ServiceId;
use members::Members;
use parking_lot::Mutex;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Lookups under way at once; more wait.
const MAX_LOOKUPS: usize = 64;

/// What the handles and the tasks of one cluster's service share.
pub(crate) struct Cluster {
    pub(crate) options: Options,
    pub(crate) intake: Arc<Intake>,
    /// A gateway may have been left while an attempt to connect to it was under way, and have come back.
    cancelled_attempt: Arc<CancelledAttempt>,
    frontlas: Frontlas,
    lookups: Semaphore,
    /// The names that are to be registered at every gateway.
    names: Mutex<RegisteredNames>,
    members: Members,
    edge_cache: Mutex<EdgeCache>,
    life: Life,
}

/// From the start to the end.
struct Life {
    status: watch::Sender<Status>,
    /// Asks the tasks to end in good order.
    leave: CancellationToken,
    /// Ends them at once.
    kill: CancellationToken,
    tasks: TaskTracker,
    /// What a close in good order left undone.
    undone: OnceLock<Error>,
}

impl Cluster {
    fn new(options: Options, handlers: Handlers, frontlas: Frontlas) -> Self {
        let topics = options.identity.topics.iter().map(|topic| topic.as_str().into());
        let kill = CancellationToken::new();
        Self {
            names: Mutex::new(RegisteredNames::new(handlers.names().cloned(), topics)),
            intake: Arc::new(Intake::new(&options, handlers)),
            cancelled_attempt: Arc::default(),
            edge_cache: Mutex::new(EdgeCache::new(options.cluster.edges)),
            options,
            frontlas,
            lookups: Semaphore::new(MAX_LOOKUPS),
            members: Members::default(),
            life: Life {
                status: watch::Sender::new(Status::Reconnecting),
                leave: kill.child_token(),
                kill,
                tasks: TaskTracker::new(),
                undone: OnceLock::new(),
            },
        }
    }

    /// The service's own id. On each frontier it has another one, made of this one.
    pub(crate) fn id(&self) -> ServiceId {
        ServiceId(self.options.identity.id)
    }

    pub(crate) fn watch(&self) -> StatusWatch {
        StatusWatch::new(self.life.status.subscribe())
    }

    /// A member has a connection now, or has none: tells the users.
    fn refresh(&self) {
        self.life.status.send_if_modified(|status| {
            let now = if self.members.is_any_connected() {
                Status::Connected
            } else {
                let refusal = self.members.refusal();
                refusal.map_or(Status::Reconnecting, |(code, text)| Status::Refused { code, text })
            };
            let changes = !matches!(status, Status::Closed(_)) && *status != now;
            if changes {
                *status = now;
            }
            changes
        });
        self.members.changed();
    }

    /// Ends everything for good.
    fn finish(&self, closed: Closed) {
        self.life.kill.cancel();
        self.intake.finish();
        self.life.status.send_if_modified(|status| {
            let is_first = !matches!(status, Status::Closed(_));
            if is_first {
                *status = Status::Closed(closed);
            }
            is_first
        });
        self.members.changed();
    }

    /// Why nothing is begun any more, if so.
    fn over(&self) -> Option<Error> {
        if let Status::Closed(closed) = &*self.life.status.borrow() {
            return Some(closed.error());
        }
        self.life.leave.is_cancelled().then(|| Closed::Local.error())
    }

    /// Ends in good order.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.intake.close();
        self.life.leave.cancel();
        self.watch().closed().await;
        self.life.undone.get().map_or(Ok(()), |error| Err(error.clone()))
    }
}

/// A handle of a cluster's service. When the last one is dropped everything ends at once.
#[derive(Clone)]
pub(crate) struct Handle(Arc<CloseOnDrop>);

struct CloseOnDrop(Arc<Cluster>);

impl Handle {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self(Arc::new(CloseOnDrop(cluster)))
    }
}

impl Deref for Handle {
    type Target = Arc<Cluster>;

    fn deref(&self) -> &Arc<Cluster> {
        &self.0.0
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.life.kill.cancel();
    }
}
