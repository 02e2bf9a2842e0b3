//! The gateway's membership: one task that keeps a connection to one of the frontlas.

use super::clock::Clock;
use super::connection::{Connection, End};
use super::handshake::{Established, Introduction, connect};
use super::locate::LookupQueue;
use super::{Advertised, ClusterState};
use crate::config::{Membership, TokenSource};
use frontier_access::PeerText;
use frontier_daemon::telemetry::millis;
use frontier_exchange::Exchange;
use frontier_protocol::{Code, Rejection};
use frontier_transport::{Backoff, DialOptions, Endpoint, HandshakeError};
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
        let mut failed = 0;
        while !stop.is_cancelled() {
            let endpoint = self.frontlas[next % self.frontlas.len()].clone();
            let start = Instant::now();
            let introduction = Introduction {
                advertised: &self.advertised,
                incarnation: self.incarnation,
                token: self.token.as_ref(),
            };
            let connected = tokio::select! {
                connected = connect(&endpoint, &self.dial, introduction, &self.exchange) => connected,
                () = stop.cancelled() => return,
            };
            let pause = match connected {
                Ok(established) => match self.serve(established, &endpoint, &stop).await {
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
                        None
                    }
                },
                Err(error) => self.failed(&endpoint, &error, &mut superseded),
            };
            if start.elapsed() > RECONNECT_PAUSE.1 {
                failed = 0;
                backoff.reset();
            }
            next += 1;
            failed += 1;
            let round = (failed % self.frontlas.len() == 0).then(|| backoff.next_pause());
            if let Some(pause) = pause.max(round) {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
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

    /// Logs a failed attempt, as a warning only the first of many. How long to wait at least.
    fn failed(
        &mut self,
        endpoint: &Endpoint,
        error: &HandshakeError,
        superseded: &mut Backoff,
    ) -> Option<Duration> {
        if let HandshakeError::Rejected(Rejection { code: Code::Superseded, .. }) = error {
            let id = &self.advertised.id;
            error!(id, %endpoint, "another gateway has the same id: give each its own daemon.frontier_id");
            return Some(superseded.next_pause());
        }
        if let HandshakeError::Rejected(Rejection { code: Code::Denied, .. }) = error
            && std::mem::take(&mut self.incarnation) != 0
        {
            // The one thing that is denied to a gateway that was in before. Frontlas gives out another one.
            info!(%endpoint, "frontlas does not know this process any more: joining anew");
            return None;
        }
        if self.lease_ends.take_if(|ends| *ends <= Instant::now()).is_some() {
            warn!(
                id = self.advertised.id,
                "frontlas has not been reached for as long as it remembers a gateway: nobody finds the edges here \
                 by it until it is reached again"
            );
        }
        if std::mem::replace(&mut self.is_loss_logged, true) {
            debug!(%endpoint, error = %PeerText(error), "frontlas still can't be reached");
        } else {
            let advice = error.advice();
            warn!(%endpoint, error = %PeerText(error), advice, "frontlas can't be reached, the gateway goes on without and keeps trying");
        }
        match error {
            HandshakeError::Rejected(rejection) => rejection.retry_after,
            _ => None,
        }
    }
}
