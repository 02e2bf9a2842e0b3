//! What the handles of an edge or a service share, across all of its connections.

mod envelope;
mod intake;
mod pending_request;
mod registered_names;
mod registration;
mod relocations;
pub(crate) mod retry;
mod session;
mod target;
mod told_methods;

pub(crate) use envelope::{Envelope, EnvelopeKind, Operation, left, millis};
pub(crate) use intake::Intake;
pub(crate) use pending_request::PendingRequest;
pub(crate) use registered_names::RegisteredNames;
pub(crate) use target::{OwnTarget, Target};
pub(crate) use told_methods::ToldMethods;

use crate::Error;
use crate::connection::{Connection, NotSent};
use crate::executor::Executor;
use crate::handlers::Handlers;
use crate::options::Options;
use crate::status::{Closed, Status, StatusWatch};
use crate::supervisor::CancelledAttempt;
use arc_swap::ArcSwapOption;
use frontier_protocol::{Code, Role};
use parking_lot::Mutex;
use relocations::Relocations;
use session::ClientSession;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;
use tokio::time::Instant;

/// The state of an edge or a service.
pub(crate) struct Client {
    pub(crate) options: Options,
    pub(crate) executor: Executor,
    pub(crate) intake: Arc<Intake>,
    /// Whether the intake ends with this client.
    owns_intake: bool,
    /// Those of an edge are told, but not waited for. Locked while it is decided which connection takes requests.
    registered: Mutex<RegisteredNames>,
    /// The connection that takes requests.
    current: ArcSwapOption<Connection>,
    pub(crate) relocations: Relocations,
    status: watch::Sender<Status>,
    stop: watch::Sender<Stop>,
    /// The EdgeID or ServiceID that the gateway gave last.
    id: AtomicU64,
    pub(crate) session: ClientSession,
    pub(crate) cancelled_attempt: Arc<CancelledAttempt>,
    /// What a close in good order left undone.
    undone: OnceLock<Error>,
}

/// Whether the client goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It does.
    No,
    /// It ends in good order, by then.
    Leave(Instant),
    /// It ends here and now.
    Now,
}

impl Client {
    pub(crate) fn new(options: Options, handlers: Handlers) -> Self {
        let topics = options.identity.topics.iter().map(|topic| topic.as_str().into());
        let registered = match options.identity.role {
            Role::Edge if options.tells_methods() => RegisteredNames::new(handlers.names().cloned(), []),
            Role::Edge | Role::Frontier => RegisteredNames::default(),
            Role::Service => RegisteredNames::new(handlers.names().cloned(), topics),
        };
        let intake = Arc::new(Intake::new(&options, handlers));
        Self { owns_intake: true, ..Self::sharing(options, intake, registered, Arc::default()) }
    }

    /// A client whose intake others share, and outlive it. It begins with the names that are `registered`. Others with
    /// the same id may have been before it, with a `cancelled_attempt`.
    pub(crate) fn sharing(
        mut options: Options,
        intake: Arc<Intake>,
        registered: RegisteredNames,
        cancelled_attempt: Arc<CancelledAttempt>,
    ) -> Self {
        let executor = Executor::current(options.io_thread, options.spin);
        if executor.is_apart() {
            options.credentials.run_on(executor.user());
            #[cfg(feature = "cluster")]
            options.cluster.credentials.run_on(executor.user());
        }
        Self {
            intake,
            owns_intake: false,
            registered: Mutex::new(registered),
            current: ArcSwapOption::empty(),
            relocations: Relocations::default(),
            status: watch::Sender::new(Status::Reconnecting),
            stop: watch::Sender::new(Stop::No),
            id: AtomicU64::new(options.identity.id),
            session: ClientSession::new(),
            cancelled_attempt,
            undone: OnceLock::new(),
            executor,
            options,
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    pub(crate) fn set_id(&self, id: u64) {
        self.id.store(id, Ordering::Relaxed);
    }

    pub(crate) fn watch(&self) -> StatusWatch {
        StatusWatch::new(self.status.subscribe())
    }

    pub(crate) fn stops(&self) -> watch::Receiver<Stop> {
        self.stop.subscribe()
    }

    /// The connection that takes requests, if there is one now.
    pub(crate) fn current(&self) -> Option<Arc<Connection>> {
        self.current.load_full()
    }

    /// Sends what is in `envelope` over the connection that takes requests; `None` if that can't be done at once.
    pub(crate) fn send_at_once<R>(
        &self,
        envelope: &Envelope<'_>,
        send: impl FnOnce(&Arc<Connection>) -> Result<R, NotSent>,
    ) -> Result<Option<R>, Error> {
        let Some(connection) = self.current().filter(|_| !envelope.is_detached()) else { return Ok(None) };
        envelope.check(&connection)?;
        match send(&connection) {
            Ok(sent) => return Ok(Some(sent)),
            Err(NotSent::Refused(error)) => return Err(error),
            Err(NotSent::Full) => {}
            Err(NotSent::Gone) => self.retire(&connection),
        }
        Ok(None)
    }

    /// The connection that takes requests, as soon as there is one.
    pub(crate) async fn connection(&self, deadline: Instant) -> Result<Arc<Connection>, Error> {
        let mut status = self.status.subscribe();
        let mut stop = self.stop.subscribe();
        loop {
            if *stop.borrow_and_update() != Stop::No {
                return Err(Closed::Local.error());
            }
            if let Status::Closed(closed) = &*status.borrow_and_update() {
                return Err(closed.error());
            }
            if let Some(connection) = self.current() {
                return Ok(connection);
            }
            let changed = async {
                tokio::select! {
                    _ = status.changed() => {}
                    _ = stop.changed() => {}
                }
            };
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                let text = "there was no connection within the deadline";
                return Err(match &*status.borrow() {
                    Status::Refused { code, text: why } => Error::new(
                        Code::Disconnected,
                        format!("{text}: refused by the gateway: {code}: {why}"),
                    ),
                    _ => Error::new(Code::Disconnected, text),
                });
            }
        }
    }

    /// `connection`, whose gateway has been sent these names, takes requests from now on; unless there are others
    /// by now, which a gateway must know of before it routes by them.
    fn activate(&self, connection: &Arc<Connection>, sent: &RegisteredNames) -> bool {
        let registered = self.registered.lock();
        if self.options.identity.role == Role::Service && *registered != *sent {
            return false;
        }
        self.relocations.arrived();
        self.current.store(Some(connection.clone()));
        drop(registered);
        // The supervisor may not have seen yet that the user stops.
        if *self.stop.borrow() != Stop::No {
            self.current.store(None);
        }
        self.status.send_replace(Status::Connected);
        true
    }

    /// `connection` takes no requests any more.
    pub(crate) fn retire(&self, connection: &Arc<Connection>) {
        let is_same = |current: &Option<Arc<Connection>>| {
            current.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection))
        };
        self.current.rcu(|current| if is_same(current) { None } else { current.clone() });
    }

    pub(crate) fn reconnecting(&self) {
        self.current.store(None);
        self.status.send_if_modified(|status| {
            let is_news = !matches!(status, Status::Reconnecting | Status::Refused { .. });
            if is_news {
                *status = Status::Reconnecting;
            }
            is_news
        });
    }

    /// It is refused. Whether that is news.
    pub(crate) fn refused(&self, code: Code, text: String) -> bool {
        self.current.store(None);
        let refused = Status::Refused { code, text };
        self.status.send_if_modified(|status| {
            let is_news = *status != refused;
            if is_news {
                *status = refused;
            }
            is_news
        })
    }

    /// Ends the client for good.
    pub(crate) fn finish(&self, closed: Closed) {
        self.current.store(None);
        if self.owns_intake {
            self.intake.finish();
        }
        self.status.send_replace(Status::Closed(closed));
    }

    /// Notes that a close in good order was cut short.
    pub(crate) fn left_undone(&self, error: Error) {
        // The first is what the user hears.
        let _ = self.undone.set(error);
    }

    /// Ends in good order: what is in flight may end, nothing new is begun.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.stop(Stop::Leave(Instant::now() + self.options.redial.close_timeout));
        if self.owns_intake {
            self.intake.close();
        }
        self.watch().closed().await;
        self.undone.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// The runtime of the user's code has ended.
    pub(crate) fn abandon(&self) {
        self.stop(Stop::Now);
    }

    fn stop(&self, stop: Stop) {
        let changed = self.stop.send_if_modified(|current| {
            let is_stronger = matches!((*current, stop), (Stop::No, _) | (Stop::Leave(_), Stop::Now));
            if is_stronger {
                *current = stop;
            }
            is_stronger
        });
        if changed {
            self.current.store(None);
        }
    }
}

/// A handle of a client. When the last one is dropped the client ends at once.
#[derive(Clone)]
pub(crate) struct Handle(Arc<CloseOnDrop>);

struct CloseOnDrop(Arc<Client>);

impl Handle {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self(Arc::new(CloseOnDrop(client)))
    }
}

impl Deref for Handle {
    type Target = Arc<Client>;

    fn deref(&self) -> &Arc<Client> {
        &self.0.0
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.stop(Stop::Now);
    }
}
