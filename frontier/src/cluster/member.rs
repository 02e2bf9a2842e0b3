use super::Advertised;
use super::ClusterState;
use super::backoff::Backoff;
use super::clock::Clock;
use super::dialogue::{Dialogue, End};
use super::greeting::{GreetError, Greeted, greet};
use super::locate::Asked;
use crate::config::Membership;
use frontier_exchange::Exchange;
use frontier_protocol::Code;
use frontier_transport::{DialOptions, Endpoint};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

/// The pause after all addresses have failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The pause after it was said that another process has this gateway's id.
const REPLACED: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));

/// The gateway as a member of the cluster: keeps a connection to one of the frontlas.
#[derive(Debug)]
pub(crate) struct Member {
    exchange: Arc<Exchange>,
    state: Arc<ClusterState>,
    advertised: Advertised,
    dial: DialOptions,
    frontlas: Vec<Endpoint>,
    asked: Asked,
    clock: Clock,
    /// 0 until the first Welcome.
    incarnation: u64,
    /// Whether it was logged that there is no frontlas.
    is_alone: bool,
}

impl Member {
    pub(crate) fn new(
        exchange: Arc<Exchange>,
        state: Arc<ClusterState>,
        membership: &Membership,
        advertised: Advertised,
        asked: Asked,
    ) -> Self {
        Self {
            exchange,
            state,
            advertised,
            dial: membership.dial.clone(),
            frontlas: membership.frontlas.clone(),
            asked,
            clock: Clock::default(),
            incarnation: 0,
            is_alone: false,
        }
    }

    /// Tells frontlas who is connected until `stop`; then leaves the cluster, if frontlas can be reached.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        if self.frontlas.is_empty() {
            return;
        }
        let mut pauses = Backoff::new(PAUSE.0, PAUSE.1);
        let mut replaced = Backoff::new(REPLACED.0, REPLACED.1);
        // Any of them, so that they have the same share.
        let mut turn = rand::random_range(0..self.frontlas.len());
        let mut failed = 0;
        while !stop.is_cancelled() {
            let endpoint = self.frontlas[turn % self.frontlas.len()].clone();
            let begun = Instant::now();
            let greeted = tokio::select! {
                greeted = greet(&endpoint, &self.dial, &self.advertised, self.incarnation, &self.exchange) => greeted,
                () = stop.cancelled() => return,
            };
            let pause = match greeted {
                Ok(greeted) => match self.converse(greeted, &endpoint, &stop).await {
                    End::Left => return,
                    End::Lost(reason) => {
                        warn!(%endpoint, reason, "the connection to frontlas is lost, the gateway goes on without");
                        self.is_alone = true;
                        None
                    }
                },
                Err(error) => self.refused(&endpoint, &error, &mut replaced),
            };
            if begun.elapsed() > PAUSE.1 {
                (failed, _) = (0, pauses.reset());
            }
            (turn, failed) = (turn + 1, failed + 1);
            let round = (failed % self.frontlas.len() == 0).then(|| pauses.next());
            if let Some(pause) = pause.max(round) {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    async fn converse(&mut self, greeted: Greeted, endpoint: &Endpoint, stop: &CancellationToken) -> End {
        self.clock.set(greeted.reading, self.exchange.next_epoch());
        self.incarnation = greeted.welcome.id;
        self.is_alone = false;
        info!(id = self.advertised.id, %endpoint, "connected to frontlas");
        Dialogue::new(self.exchange.clone(), self.state.clone(), &mut self.clock, &mut self.asked, greeted)
            .run(stop)
            .await
    }

    /// Says so, once. How long to wait at least.
    fn refused(
        &mut self,
        endpoint: &Endpoint,
        error: &GreetError,
        replaced: &mut Backoff,
    ) -> Option<Duration> {
        if let GreetError::Refused { code: Code::Superseded, .. } = error {
            let id = &self.advertised.id;
            error!(id, %endpoint, "another gateway has the same id: give each its own daemon.frontier_id");
            return Some(replaced.next());
        }
        if std::mem::replace(&mut self.is_alone, true) {
            debug!(%endpoint, %error, "frontlas still can't be reached");
        } else {
            warn!(%endpoint, %error, "frontlas can't be reached, the gateway goes on without and keeps trying");
        }
        match error {
            GreetError::Refused { after, .. } => *after,
            GreetError::Failed(_) => None,
        }
    }
}
