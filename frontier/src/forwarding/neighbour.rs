use super::greeting::{self, Greeted};
use super::link::{self, Driver};
use crate::config::Forward;
use crate::exchange::{Exchange, Failure};
use crate::peer::Peer;
use arc_swap::ArcSwapOption;
use frontier_protocol::Code;
use frontier_transport::{Backoff, Endpoint};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

/// The pause after an attempt that has failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A link that lasts for less has failed as well.
const SHORT: Duration = Duration::from_secs(1);

/// What it takes to dial other gateways.
#[derive(Debug)]
pub(super) struct Dialler {
    pub(super) own: Box<str>,
    pub(super) forward: Forward,
    pub(super) exchange: Weak<Exchange>,
    pub(super) stop: CancellationToken,
    pub(super) links: TaskTracker,
}

/// Another gateway, and the link to it, which is made when it is needed and ends when it is not.
///
/// ```text
///   Idle ──(asked for)──▶ Dialling ──▶ (a holder) ──(lost, idle)──▶ Idle
///    ▲                       └──▶ Failed ─┐
///    └────────(the pause is over)─────────┘
/// ```
#[derive(Debug)]
pub(super) struct Neighbour {
    id: Box<str>,
    endpoint: Endpoint,
    dialler: Arc<Dialler>,
    /// While the link stands: who answers there.
    holder: ArcSwapOption<Peer>,
    /// When it was last asked for, in seconds of the gateway's clock.
    used: AtomicU32,
    attempts: Mutex<Attempts>,
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

impl Neighbour {
    pub(super) fn new(id: &str, endpoint: Endpoint, dialler: Arc<Dialler>) -> Arc<Self> {
        let attempts = Attempts { state: State::Idle, pauses: Backoff::equal_jitter(PAUSE.0, PAUSE.1) };
        Arc::new(Self {
            id: id.into(),
            endpoint,
            dialler,
            holder: ArcSwapOption::empty(),
            used: AtomicU32::new(0),
            attempts: Mutex::new(attempts),
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
        self.holder.load().is_none() && !matches!(self.attempts.lock().state, State::Dialling(_))
    }

    /// When it was last asked for, in seconds of the gateway's clock.
    pub(super) fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Who answers there, if the link stands. It is asked for `now`.
    pub(super) fn holder(&self, now: u32) -> Option<Arc<Peer>> {
        let holder =
            self.holder.load_full().filter(|holder| holder.is_online() && !holder.link.is_closed())?;
        self.used.store(now, Ordering::Relaxed);
        Some(holder)
    }

    /// Who answers there, once the link stands. All who wait share one attempt, and for a while its failure.
    ///
    /// # Errors
    /// If it can't be reached. That takes a few seconds at most.
    pub(super) async fn connect(self: &Arc<Self>) -> Outcome {
        let now = self.dialler.exchange.upgrade().map_or(0, |exchange| exchange.clock());
        let mut outcome = {
            let mut attempts = self.attempts.lock();
            if let Some(holder) = self.holder(now) {
                return Ok(holder);
            }
            match &attempts.state {
                State::Failed { until, failure } if Instant::now() < *until => return Err(failure.clone()),
                // An attempt without a sender has come to nothing.
                State::Dialling(outcome) if outcome.has_changed().is_ok() => outcome.clone(),
                _ => {
                    let (tell, outcome) = watch::channel(None);
                    attempts.state = State::Dialling(outcome.clone());
                    self.used.store(now, Ordering::Relaxed);
                    self.dialler.links.spawn(self.clone().run(tell));
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
    pub(super) fn stand_in(&self, holder: &Arc<Peer>) {
        self.holder.store(Some(holder.clone()));
    }

    fn lost(&self) -> Failure {
        Failure::new(Code::Disconnected, format!("the connection to frontier {} was lost", self.id))
    }

    /// One link from the first attempt to its end.
    async fn run(self: Arc<Self>, tell: watch::Sender<Option<Outcome>>) {
        let Dialler { own, forward, exchange, stop, .. } = &*self.dialler;
        let Some(exchange) = exchange.upgrade() else { return };
        let greeted = tokio::select! {
            greeted = greeting::greet(&self.id, &self.endpoint, own, forward, &exchange) => greeted,
            () = stop.cancelled() => return,
        };
        let Greeted { link, holder, interval } = match greeted {
            Ok(greeted) => greeted,
            Err(error) => {
                let text = format!("frontier {} can't be reached: {error}", self.id);
                let first = self.failed(Failure::new(Code::Disconnected, text));
                match first {
                    true => {
                        warn!(frontier = %self.id, endpoint = %self.endpoint, %error, "another gateway can't be reached")
                    }
                    false => {
                        debug!(frontier = %self.id, endpoint = %self.endpoint, %error, "it still can't be reached")
                    }
                }
                tell.send_replace(Some(Err(self.failure())));
                return;
            }
        };
        let since = Instant::now();
        info!(frontier = %self.id, endpoint = %self.endpoint, "connected to another gateway");
        exchange.registry.frontiers.add(&holder);
        self.holder.store(Some(holder.clone()));
        self.attempts.lock().state = State::Idle;
        tell.send_replace(Some(Ok(holder.clone())));
        drop(tell);
        let _up = Up { neighbour: &self, exchange: &exchange, holder: &holder };
        let driver = Driver {
            exchange: &exchange,
            neighbour: &self,
            holder: &holder,
            interval,
            idle: forward.idle,
            stop,
        };
        let reason = link::serve(driver, link).await;
        info!(frontier = %self.id, %reason, "the connection to another gateway has ended");
        if since.elapsed() >= SHORT {
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
struct Up<'a> {
    neighbour: &'a Neighbour,
    exchange: &'a Arc<Exchange>,
    holder: &'a Arc<Peer>,
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        // While it took nothing new there may have come another one.
        let current = self.neighbour.holder.load();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, self.holder)) {
            self.neighbour.holder.compare_and_swap(&current, None);
        }
        self.exchange.registry.frontiers.remove(self.holder);
        self.exchange.retire(self.holder, &[]);
    }
}
