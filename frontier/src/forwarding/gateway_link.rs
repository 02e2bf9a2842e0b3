//! Another gateway, and the link to it.

use super::handshake::{self, Established};
use super::serve::Serve;
use crate::carriers::Carriers;
use crate::config::{Forward, Limits};
use crate::native::{Native, StreamLimits};
use arc_swap::ArcSwapOption;
use frontier_access::{LogLimiter, PeerText};
use frontier_admin::admit_line;
use frontier_daemon::telemetry::millis;
use frontier_exchange::{Exchange, Failure, Peer, Seat};
use frontier_protocol::Code;
use frontier_transport::{Backoff, Endpoint};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

/// The pause after an attempt that has failed: the first one, and the longest.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A link that lasts for less has failed as well.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// What it takes to dial other gateways.
#[derive(Debug)]
pub(super) struct Dialler {
    pub(super) own: Box<str>,
    pub(super) forward: Forward,
    pub(super) limits: Limits,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    /// The threads that carry links, where there are several.
    pub(super) carriers: Option<Arc<Carriers>>,
    /// For the lines of links that begin, and of those that end.
    pub(super) comings: LogLimiter,
    pub(super) goings: LogLimiter,
}

impl Dialler {
    fn start(&self, link: impl Future<Output = ()> + Send + 'static) {
        match &self.carriers {
            Some(carriers) => carriers.carry(self.tasks.track_future(link)),
            None => drop(self.tasks.spawn(link)),
        }
    }
}

/// Another gateway, and the link to it, which is made when it is needed and ends when it is not; one that is kept is
/// always needed.
///
/// ```text
///   Idle ──(asked for)──▶ Dialling ──▶ (an owner) ─(lost, idle)──▶ Idle
///    ▲                       └──▶ Failed ─┐
///    └────────(the pause is over)─────────┘
/// ```
#[derive(Debug)]
pub(super) struct GatewayLink {
    id: Box<str>,
    endpoint: Endpoint,
    dialler: Arc<Dialler>,
    /// While the link stands: who answers there.
    owner: ArcSwapOption<Peer>,
    /// When it was last asked for, in seconds of the gateway's clock.
    used: AtomicU32,
    /// Whether there is to be a link, of use or not.
    is_kept: AtomicBool,
    /// Whether the gateway behind the link tells what its services take.
    offers: AtomicBool,
    attempts: Mutex<Attempts>,
    /// An attempt may be made before its time.
    retried: Notify,
}

#[derive(Debug)]
struct Attempts {
    state: State,
    pauses: Backoff,
}

#[derive(Debug)]
enum State {
    Idle,
    Dialling(watch::Receiver<Option<Outcome>>),
    Failed { until: Instant, failure: Failure },
}

type Outcome = Result<Arc<Peer>, Failure>;

impl GatewayLink {
    pub(super) fn new(id: &str, endpoint: Endpoint, dialler: Arc<Dialler>) -> Arc<Self> {
        let attempts =
            Attempts { state: State::Idle, pauses: Backoff::equal_jitter(RETRY_PAUSE.0, RETRY_PAUSE.1) };
        Arc::new(Self {
            id: id.into(),
            endpoint,
            dialler,
            owner: ArcSwapOption::empty(),
            used: AtomicU32::new(0),
            is_kept: AtomicBool::new(false),
            offers: AtomicBool::new(false),
            attempts: Mutex::new(attempts),
            retried: Notify::new(),
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether there is no link to it and nobody wants one.
    pub(super) fn is_unused(&self) -> bool {
        !self.is_kept()
            && self.owner.load().is_none()
            && !matches!(self.attempts.lock().state, State::Dialling(_))
    }

    /// When it was last asked for, in seconds of the gateway's clock.
    pub(super) fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether there is to be a link, of use or not.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed)
    }

    pub(super) fn keep(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
    }

    /// It may be reached again: what failed need not wait.
    pub(super) fn retry(&self) {
        let mut attempts = self.attempts.lock();
        if matches!(attempts.state, State::Failed { .. }) {
            attempts.state = State::Idle;
            attempts.pauses.reset();
        }
        drop(attempts);
        self.retried.notify_waiters();
    }

    /// Waits until there may be another attempt.
    pub(super) async fn pause(&self) {
        let retried = self.retried.notified();
        tokio::pin!(retried);
        // Registered before it is looked, so that what comes in between is not missed.
        retried.as_mut().enable();
        let until = match self.attempts.lock().state {
            State::Failed { until, .. } => until,
            State::Idle | State::Dialling(_) => return,
        };
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = retried => {}
        }
    }

    /// Waits until it is known what the services there take, or that nobody tells.
    pub(super) async fn settled(self: &Arc<Self>, exchange: &Arc<Exchange>) {
        if let Ok(owner) = self.connect(exchange).await
            && self.offers.load(Ordering::Relaxed)
        {
            exchange.names_told(&owner).await;
        }
    }

    /// Who answers there, if the link stands. It is asked for `now`.
    pub(super) fn owner(&self, now: u32) -> Option<Arc<Peer>> {
        let owner = self.owner.load_full()?;
        if !owner.is_online() || owner.outlet().is_closed() {
            return None;
        }
        self.used.store(now, Ordering::Relaxed);
        Some(owner)
    }

    /// Who answers there, once the link stands. All who wait share one attempt, and for a while its failure.
    ///
    /// # Errors
    /// If it can't be reached. That takes a few seconds, and up to half a minute where DNS does not answer.
    pub(super) async fn connect(self: &Arc<Self>, exchange: &Arc<Exchange>) -> Outcome {
        let now = exchange.clock();
        let mut outcome = {
            let mut attempts = self.attempts.lock();
            if let Some(owner) = self.owner(now) {
                return Ok(owner);
            }
            match &attempts.state {
                State::Failed { until, failure } if Instant::now() < *until => return Err(failure.clone()),
                // An attempt without a sender has come to nothing.
                State::Dialling(outcome) if outcome.has_changed().is_ok() => outcome.clone(),
                _ => {
                    let (tell, outcome) = watch::channel(None);
                    attempts.state = State::Dialling(outcome.clone());
                    self.used.store(now, Ordering::Relaxed);
                    self.dialler.start(self.clone().run(exchange.clone(), tell));
                    outcome
                }
            }
        };
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(self.lost())),
            Err(_) => Err(self.lost()),
        }
    }

    #[cfg(test)]
    pub(super) fn stand_in(&self, owner: &Arc<Peer>) {
        self.owner.store(Some(owner.clone()));
    }

    fn lost(&self) -> Failure {
        Failure::new(Code::Disconnected, format!("the connection to frontier {} was lost", self.id))
    }

    /// One link from the first attempt to its end.
    async fn run(self: Arc<Self>, exchange: Arc<Exchange>, tell: watch::Sender<Option<Outcome>>) {
        let Dialler { forward, limits, stop, .. } = &*self.dialler;
        let established = tokio::select! {
            established = handshake::dial(&self.id, &self.endpoint, &self.dialler, &exchange) => established,
            () = stop.cancelled() => return,
        };
        let Established { link, owner, offers, interval } = match established {
            Ok(established) => established,
            Err(error) => {
                let text = format!("frontier {} can't be reached: {error}", self.id);
                let first = self.failed(Failure::new(Code::Disconnected, text));
                match first {
                    true => {
                        warn!(frontier = %PeerText(&self.id), endpoint = %self.endpoint, error = %PeerText(&error), "another gateway can't be reached, requests for its edges and services fail until it can")
                    }
                    false => {
                        debug!(frontier = %PeerText(&self.id), endpoint = %self.endpoint, error = %PeerText(&error), "it still can't be reached")
                    }
                }
                tell.send_replace(Some(Err(self.failure())));
                return;
            }
        };
        let since = Instant::now();
        if let Some(suppressed) = admit_line(&self.dialler.comings) {
            info!(frontier = %PeerText(&self.id), endpoint = %self.endpoint, suppressed, "connected to another gateway");
        }
        let seat = exchange.join_gateway(&owner);
        self.offers.store(offers, Ordering::Relaxed);
        self.owner.store(Some(owner.clone()));
        self.attempts.lock().state = State::Idle;
        tell.send_replace(Some(Ok(owner.clone())));
        drop(tell);
        let _current = Current { link: &self, seat };
        let native = Native {
            exchange,
            peer: owner,
            link: link.handle(),
            callers: None,
            limits: StreamLimits::new(limits),
        };
        let serve = Serve { native, link: &self, interval, idle: forward.idle, stop };
        let (reason, traffic) = serve.run(link).await;
        if let Some(suppressed) = admit_line(&self.dialler.goings) {
            info!(
                frontier = %PeerText(&self.id),
                endpoint = %self.endpoint,
                cause = reason.cause(),
                reason = %PeerText(&reason),
                duration_ms = millis(since.elapsed()),
                received_bytes = traffic.received,
                sent_bytes = traffic.sent,
                suppressed,
                "the connection to another gateway has ended"
            );
        }
        if since.elapsed() >= MIN_LIFETIME {
            self.attempts.lock().pauses.reset();
        } else if !stop.is_cancelled() && matches!(self.attempts.lock().state, State::Idle) {
            self.failed(self.lost());
        }
    }

    /// Nobody tries again for a while. Whether it is the first failure in a row.
    fn failed(&self, failure: Failure) -> bool {
        let mut attempts = self.attempts.lock();
        let is_first = attempts.pauses.is_fresh();
        let until = Instant::now() + attempts.pauses.next_pause();
        attempts.state = State::Failed { until, failure };
        is_first
    }

    fn failure(&self) -> Failure {
        match &self.attempts.lock().state {
            State::Failed { failure, .. } => failure.clone(),
            State::Idle | State::Dialling(_) => self.lost(),
        }
    }
}

/// A link that stands. However it ends, the end of this takes it out and fails what is in flight.
struct Current<'a> {
    link: &'a GatewayLink,
    /// Dropped behind the body of `drop`: nobody new comes by then.
    seat: Seat,
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        // While it took nothing new there may have come another one.
        let current = self.link.owner.load();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, self.seat.peer())) {
            self.link.owner.compare_and_swap(&current, None);
        }
    }
}
