//! The task that keeps up the connection to one gateway, at whatever address it has.
//!
//! ```text
//!   listed ──▶ connecting ──▶ connected ─── lost ──▶ the client connects again by itself
//!                  ▲              │ other address ─▶ connects there, then leaves the old connection
//!                  └── refused ───┤ listed no longer ─▶ left once it is lost, or after the grace
//! ```

use super::Cluster;
use crate::ConnectError;
use crate::builder::establish_at_once;
use crate::client::{Client, Handle, RegisteredNames};
use crate::connection::Connection;
use crate::frontlas::endpoint;
use crate::status::{Closed, Status, StatusWatch};
use arc_swap::ArcSwapOption;
use frontier_protocol::Code;
use frontier_transport::{Backoff, DowngradeRule};
use parking_lot::Mutex;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};

/// The longest pause before a gateway that refuses this service is tried again.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(30);

/// One gateway of the cluster.
pub(crate) struct Member {
    pub(crate) id: Arc<str>,
    listing: watch::Sender<Listing>,
    client: ArcSwapOption<Client>,
    /// Why it could not be connected to the last time it was tried.
    failure: Mutex<Option<ConnectError>>,
}

/// What the directory says of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    address: String,
    /// Whether it drains: it takes nobody in, and the connection that stands is used.
    is_draining: bool,
    /// Since when it is listed no longer.
    unlisted: Option<Instant>,
}

impl Listing {
    pub(super) fn at(address: &str, is_draining: bool) -> Self {
        Self { address: address.to_owned(), is_draining, unlisted: None }
    }
}

impl Member {
    pub(super) fn new(id: Arc<str>, listing: Listing) -> Self {
        let listing = watch::Sender::new(listing);
        Self { id, listing, client: ArcSwapOption::empty(), failure: Mutex::new(None) }
    }

    /// Its client, which may have lost its connection.
    pub(super) fn client(&self) -> Option<Arc<Client>> {
        self.client.load_full()
    }

    /// The connection to it that takes requests, if there is one now.
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        self.client.load().as_ref().and_then(|client| client.current())
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection().is_some()
    }

    pub(super) fn address(&self) -> String {
        self.listing.borrow().address.clone()
    }

    pub(super) fn is_unlisted(&self) -> bool {
        self.listing.borrow().unlisted.is_some()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.listing.borrow().is_draining
    }

    pub(super) fn failure(&self) -> Option<ConnectError> {
        self.failure.lock().clone()
    }

    pub(super) fn list(&self, address: &str, is_draining: bool) {
        let now = Listing::at(address, is_draining);
        self.listing.send_if_modified(|listing| {
            let changes = *listing != now;
            *listing = now;
            changes
        });
    }

    pub(super) fn unlist(&self) {
        self.listing.send_if_modified(|listing| {
            let changes = listing.unlisted.is_none();
            listing.unlisted.get_or_insert_with(Instant::now);
            changes
        });
    }
}

/// A connection, as its member's task has it.
struct Established {
    handle: Handle,
    status: StatusWatch,
    address: String,
}

/// What happens to a member.
enum Step {
    Listing,
    Connected(Result<Handle, ConnectError>),
    Status(Status),
    GraceOver,
    Leave,
}

struct Task {
    cluster: Arc<Cluster>,
    member: Arc<Member>,
    listing: watch::Receiver<Listing>,
    established: Option<Established>,
    backoff: Backoff,
    /// The pauses where the service is refused.
    refusals: Backoff,
    /// For the addresses that frontlas lists.
    rule: DowngradeRule,
    /// Whether the Hello carries no names, and they are registered one by one behind it: the gateway may have refused
    /// the service for one of them.
    registers_later: bool,
}

/// Runs until the cluster is left, or the gateway has gone from it.
pub(super) async fn run(cluster: Arc<Cluster>, member: Arc<Member>) {
    let kill = cluster.life.kill.clone();
    let (min, max) = cluster.options.redial.backoff;
    let task = Task {
        listing: member.listing.subscribe(),
        cluster: cluster.clone(),
        member: member.clone(),
        established: None,
        backoff: Backoff::full_jitter(min, max.min(MAX_RETRY_PAUSE)),
        refusals: cluster.options.redial.refusal_backoff(),
        rule: DowngradeRule::new(cluster.frontlas.is_secured())
            .allow_any(cluster.options.redial.allows_downgrade),
        registers_later: false,
    };
    tokio::select! {
        biased;
        () = kill.cancelled() => {}
        () = task.run() => {}
    }
    member.client.store(None);
    cluster.refresh();
}

impl Task {
    async fn run(mut self) {
        let mut pause = Duration::ZERO;
        loop {
            let listing = self.listing.borrow_and_update().clone();
            if listing.unlisted.is_some()
                && !self.member.is_connected()
                && self.cluster.members.forget(&self.member)
            {
                info!(frontier = &*self.member.id, "a frontier has gone");
                return self.leave().await;
            }
            match self.step(&listing, pause).await {
                // Its address may be another one: that is tried at once.
                Step::Listing => pause = Duration::ZERO,
                Step::Connected(Ok(handle)) => {
                    pause = Duration::ZERO;
                    self.take_up(handle, listing.address).await;
                }
                Step::Connected(Err(error)) => pause = self.failed(error),
                Step::Status(Status::Closed(Closed::Superseded)) => {
                    return self.cluster.finish(Closed::Superseded);
                }
                Step::Status(Status::Closed(closed)) => {
                    warn!(frontier = &*self.member.id, %closed, "the connection to a frontier has ended");
                    self.established = None;
                    self.member.client.store(None);
                    self.registers_later = true;
                    pause = self.backoff.next_pause();
                    if let Closed::Refused { code, text } = closed {
                        *self.member.failure.lock() = Some(ConnectError::Refused { code, text });
                        pause = self.refusals.next_pause();
                    }
                    self.cluster.refresh();
                }
                Step::Status(Status::Connected) => {
                    self.cluster.refresh();
                    self.catch_up().await;
                }
                Step::Status(Status::Reconnecting | Status::Refused { .. }) => self.cluster.refresh(),
                Step::GraceOver => {
                    if self.cluster.members.forget(&self.member) {
                        info!(frontier = &*self.member.id, "a frontier is listed no longer");
                        return self.leave().await;
                    }
                }
                Step::Leave => return self.leave().await,
            }
        }
    }

    async fn step(&mut self, listing: &Listing, pause: Duration) -> Step {
        let wants =
            self.established.as_ref().is_none_or(|established| established.address != listing.address);
        let connect = async {
            if !wants || listing.is_draining || listing.unlisted.is_some() {
                return pending().await;
            }
            sleep(pause).await;
            connect(&self.cluster, &self.member, &listing.address, self.rule, self.registers_later).await
        };
        let grace = self.cluster.options.cluster.removal_grace;
        let over = async {
            match listing.unlisted.and_then(|since| since.checked_add(grace)) {
                Some(over) => sleep_until(over).await,
                None => pending().await,
            }
        };
        let status = async {
            match &mut self.established {
                Some(established) => established.status.changed().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cluster.life.leave.cancelled() => Step::Leave,
            // An error means that the member is gone, which this task itself holds.
            _ = self.listing.changed() => Step::Listing,
            connected = connect => Step::Connected(connected),
            status = status => Step::Status(status),
            () = over => Step::GraceOver,
        }
    }

    /// The new connection takes the place of the one before.
    async fn take_up(&mut self, handle: Handle, address: String) {
        info!(frontier = &*self.member.id, address, "connected to a frontier");
        self.backoff.reset();
        self.refusals.reset();
        self.registers_later = false;
        *self.member.failure.lock() = None;
        if let Ok(endpoint) = endpoint(&address) {
            self.rule.connected(&endpoint);
        }
        self.member.client.store(Some((*handle).clone()));
        let established = Established { status: handle.watch(), handle, address };
        if let Some(before) = self.established.replace(established) {
            // It has its close timeout. What it leaves undone is nobody's business.
            self.cluster.life.tasks.spawn(async move { drop(before.handle.close().await) });
        }
        self.cluster.refresh();
        self.catch_up().await;
    }

    /// Registers what the gateway does not know yet.
    async fn catch_up(&self) {
        let Some(established) = &self.established else { return };
        tokio::select! {
            biased;
            () = self.cluster.life.leave.cancelled() => {}
            () = self.cluster.catch_up(&self.member.id, &established.handle) => {}
        }
    }

    /// How long to wait after a failure.
    fn failed(&mut self, error: ConnectError) -> Duration {
        // It may be one of the names that it does not take, or something else.
        self.registers_later = !self.registers_later;
        let least = error.retry_after().unwrap_or_default().min(MAX_RETRY_PAUSE);
        let is_refusal = !matches!(error, ConnectError::Timeout { .. });
        let before = self.member.failure.lock().replace(error.clone());
        if is_refusal && before.as_ref() == Some(&error) {
            debug!(frontier = &*self.member.id, %error, "refused by a frontier as before");
        } else {
            warn!(frontier = &*self.member.id, %error, "could not connect to a frontier: trying on after a pause");
        }
        self.cluster.refresh();
        if is_refusal { self.refusals.next_pause() } else { least + self.backoff.next_pause() }
    }

    /// Leaves the gateway in good order.
    async fn leave(mut self) {
        let Some(established) = self.established.take() else { return };
        let closed = established.handle.close().await;
        // A gateway that is not there has nothing that could be left undone.
        if let Err(error) = closed
            && error.code() != Code::Disconnected
            && self.cluster.life.leave.is_cancelled()
        {
            // The first is what the user hears.
            let _ = self.cluster.life.undone.set(error);
        }
    }
}

async fn connect(
    cluster: &Cluster,
    member: &Member,
    address: &str,
    rule: DowngradeRule,
    registers_later: bool,
) -> Result<Handle, ConnectError> {
    let mut options = cluster.options.clone();
    options.identity.id = cluster.id().at(&member.id).0;
    let endpoint = endpoint(address)?;
    rule.judge(&endpoint)?;
    options.redial.urls = vec![endpoint.url()];
    options.redial.reconnect = true;
    // This task tries again itself, by turns with the names in the Hello and behind it.
    options.redial.ends_on_refusal = true;
    options.redial.follows = false;
    let names = if registers_later { RegisteredNames::default() } else { cluster.names.lock().clone() };
    let client = Client::sharing(options, cluster.intake.clone(), names, cluster.cancelled_attempt.clone());
    establish_at_once(client).await
}
