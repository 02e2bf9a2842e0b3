//! The gateway's membership: one task that keeps a connection to one of the frontlas.

use super::clock::Clock;
use super::connection::{Connection, End};
use super::handshake::{Established, Introduction, connect};
use super::locate::LookupQueue;
use super::{Advertised, ClusterState, round};
use crate::config::{Membership, TokenSource};
use frontier_access::PeerText;
use frontier_daemon::telemetry::millis;
use frontier_exchange::Exchange;
use frontier_protocol::{Code, Rejection};
use frontier_transport::{Backoff, DialOptions, Endpoint, HandshakeError};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

/// The first and the longest pause after all addresses have failed.
const RECONNECT_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The first and the longest pause after frontlas has said that another process has this gateway's id.
const SUPERSEDED_PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));

/// Frontlas forgets a gateway that is silent for so many of the heartbeats that it has asked for.
const HEARTBEATS_PER_LEASE: u32 = 3;

/// The gateway as a member of the cluster: keeps a connection to one of the frontlas.
#[derive(Debug)]
pub(crate) struct Member {
    exchange: Arc<Exchange>,
    state: Arc<ClusterState>,
    advertised: Advertised,
    dial: DialOptions,
    token: Option<TokenSource>,
    frontlas: Vec<Endpoint>,
    lookups: LookupQueue,
    clock: Clock,
    /// 0 until the first Welcome.
    incarnation: u64,
    /// Whether it was logged that no frontlas can be reached.
    is_loss_logged: bool,
    /// When frontlas forgets this gateway, without a connection. `None` once that was logged.
    lease_ends: Option<Instant>,
}

impl Member {
    /// The gateway's id.
    pub(crate) fn id(&self) -> &str {
        &self.advertised.id
    }

    pub(crate) fn new(
        exchange: Arc<Exchange>,
        state: Arc<ClusterState>,
        membership: &Membership,
        advertised: Advertised,
        lookups: LookupQueue,
    ) -> Self {
        Self {
            exchange,
            state,
            advertised,
            dial: membership.dial.clone(),
            token: membership.token.clone(),
            frontlas: membership.frontlas.clone(),
            lookups,
            clock: Clock::default(),
            incarnation: 0,
            is_loss_logged: false,
            lease_ends: None,
        }
    }

    /// Tells frontlas who is connected until `stop`; then leaves the cluster, if frontlas can be reached.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        if self.frontlas.is_empty() {
            return;
        }
        self.state.frontlas.begin();
        let mut backoff = Backoff::equal_jitter(RECONNECT_PAUSE.0, RECONNECT_PAUSE.1);
        let mut superseded = Backoff::equal_jitter(SUPERSEDED_PAUSE.0, SUPERSEDED_PAUSE.1);
        // At random, so that the gateways spread over all frontlas.
        let mut next = rand::random_range(0..self.frontlas.len());
        while !stop.is_cancelled() {
            let start = Instant::now();
            let joined = tokio::select! {
                joined = self.join(next, &mut superseded) => joined,
                () = stop.cancelled() => return,
            };
            let (is_well, pause) = match joined {
                Ok((place, established)) => {
                    let endpoint = self.frontlas[place].clone();
                    next = place;
                    match self.serve(established, &endpoint, &stop).await {
                        End::Left(traffic) => {
                            let (duration_ms, received_bytes, sent_bytes) =
                                (millis(start.elapsed()), traffic.received, traffic.sent);
                            return info!(%endpoint, cause = "left", duration_ms, received_bytes, sent_bytes, "left the cluster");
                        }
                        End::Lost(reason, traffic) => {
                            let (duration_ms, received_bytes, sent_bytes) =
                                (millis(start.elapsed()), traffic.received, traffic.sent);
                            warn!(%endpoint, cause = "lost", reason = %PeerText(&reason), duration_ms, received_bytes, sent_bytes, "the connection to frontlas is lost, the gateway goes on without");
                            self.is_loss_logged = true;
                        }
                    }
                    // Others may be there.
                    (self.frontlas.len() > 1, None)
                }
                Err(pause) => (false, pause),
            };
            let is_long = start.elapsed() > RECONNECT_PAUSE.1;
            if is_long {
                backoff.reset();
            }
            next += 1;
            if is_long && is_well {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next_pause().max(pause.unwrap_or_default())) => {}
                never = warn_once_forgotten(&self.advertised.id, &mut self.lease_ends) => match never {},
                () = stop.cancelled() => return,
            }
        }
    }

    /// Joins at the first frontlas that lets the gateway in: each is tried once, from the place `first` on. Else how long
    /// to wait at least.
    async fn join(
        &mut self,
        first: usize,
        superseded: &mut Backoff,
    ) -> Result<(usize, Established), Option<Duration>> {
        let Self {
            exchange, advertised, dial, token, frontlas, incarnation, is_loss_logged, lease_ends, ..
        } = self;
        let (exchange, advertised, dial, frontlas) = (&**exchange, &*advertised, &*dial, &**frontlas);
        let introduction = Introduction { advertised, incarnation: *incarnation, token: token.as_ref() };
        let mut failures =
            Failures { id: &advertised.id, incarnation, is_loss_logged, superseded, pause: None };
        let joined = round::first_of(
            (0..frontlas.len()).map(|turn| (first + turn) % frontlas.len()),
            |place| connect(&frontlas[place], dial, introduction, exchange),
            |place, error, has_others| failures.goes_on(&frontlas[place], error, has_others),
        );
        let joined = tokio::select! {
            joined = joined => joined,
            never = warn_once_forgotten(&advertised.id, lease_ends) => match never {},
        };
        joined.ok_or(failures.pause)
    }

    async fn serve(
        &mut self,
        established: Established,
        endpoint: &Endpoint,
        stop: &CancellationToken,
    ) -> End {
        self.clock.set(established.reading, self.exchange.next_epoch());
        self.incarnation = established.welcome.id;
        (self.is_loss_logged, self.lease_ends) = (false, None);
        let heartbeat = Duration::from_millis(established.welcome.heartbeat_ms.into());
        info!(id = self.advertised.id, %endpoint, "connected to frontlas");
        let connection = Connection::new(
            self.exchange.clone(),
            self.state.clone(),
            &mut self.clock,
            &mut self.lookups,
            established,
        );
        let end = connection.run(stop).await;
        self.lease_ends = Some(Instant::now() + HEARTBEATS_PER_LEASE * heartbeat);
        end
    }
}

/// What became of the attempts of a round.
struct Failures<'a> {
    /// The gateway's id.
    id: &'a str,
    incarnation: &'a mut u64,
    is_loss_logged: &'a mut bool,
    superseded: &'a mut Backoff,
    /// How long to wait at least before the next round.
    pause: Option<Duration>,
}

impl Failures<'_> {
    /// Logs a failed attempt, as a warning only the first of many. Whether the round goes on.
    fn goes_on(&mut self, endpoint: &Endpoint, error: &HandshakeError, has_others: bool) -> bool {
        let code = match error {
            HandshakeError::Rejected(Rejection { code, .. }) => *code,
            _ => Code::Ok,
        };
        match code {
            // It may be by an attempt of its own.
            Code::Superseded if has_others => {}
            Code::Superseded => {
                error!(id = self.id, %endpoint, "another gateway has the same id: give each its own daemon.frontier_id");
                self.pause = Some(self.superseded.next_pause());
                return false;
            }
            Code::Denied if std::mem::take(self.incarnation) != 0 => {
                // The one thing that is denied to a gateway that was in before. Frontlas gives out another one.
                info!(%endpoint, "frontlas does not know this process any more: joining anew");
                return false;
            }
            _ => {}
        }
        if std::mem::replace(self.is_loss_logged, true) {
            debug!(%endpoint, error = %PeerText(error), "frontlas still can't be reached");
        } else {
            let advice = error.advice_about_frontlas();
            warn!(%endpoint, error = %PeerText(error), advice, "frontlas can't be reached, the gateway goes on without and keeps trying");
        }
        if let HandshakeError::Rejected(rejection) = error {
            self.pause = self.pause.max(rejection.retry_after);
        }
        true
    }
}

/// Logs that frontlas has forgotten the gateway, when that time comes: an attempt that hangs does not put it off.
async fn warn_once_forgotten(id: &str, lease_ends: &mut Option<Instant>) -> Infallible {
    if let Some(ends) = *lease_ends {
        tokio::time::sleep_until(ends).await;
        *lease_ends = None;
        warn!(
            id,
            "frontlas has not been reached for as long as it remembers a gateway: nobody finds the edges here by it \
             until it is reached again"
        );
    }
    std::future::pending().await
}
