use super::backoff::Backoff;
use super::{Attempt, AttemptError, Live};
use crate::client::Client;
use crate::options::Redial;
use crate::status::Closed;
use frontier_transport::{Endpoint, EndpointError};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{debug, warn};

/// The addresses of the gateways, and which of them is next.
///
/// They are tried in turn, each once per round, with a pause between the rounds.
pub(crate) struct Route {
    endpoints: Vec<Endpoint>,
    next: usize,
    backoff: Backoff,
    connected: Option<Instant>,
}

impl Route {
    pub(crate) fn new(redial: &Redial) -> Result<Self, EndpointError> {
        let endpoints = redial.urls.iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
        let backoff = Backoff::new(redial.backoff.0, redial.backoff.1);
        Ok(Self { endpoints, next: 0, backoff, connected: None })
    }

    /// Makes the first connection: a round at once, then as often as it takes. The caller sets the
    /// deadline, and finds in `last` how the attempt before it went.
    pub(crate) async fn connect(
        &mut self,
        client: &Arc<Client>,
        last: &mut Option<AttemptError>,
    ) -> Result<Live, AttemptError> {
        loop {
            match self.round(client).await {
                Ok(live) => return Ok(live),
                Err(error) if error.is_final() => return Err(error),
                Err(error) => *last = Some(error),
            }
            self.pause().await;
        }
    }

    /// Makes a new connection, as often as it takes, with a pause before the first round already: all
    /// the clients of a gateway lose it at the same moment.
    pub(crate) async fn reconnect(&mut self, client: &Arc<Client>) -> Result<Live, Closed> {
        let lived = self.connected.map(|connected| connected.elapsed()).unwrap_or_default();
        if lived >= self.backoff.trial() {
            self.backoff.reset();
        }
        loop {
            self.pause().await;
            match self.round(client).await {
                Ok(live) => return Ok(live),
                Err(AttemptError::Rejected { code, text }) if !code.is_retryable() => {
                    return Err(Closed::Refused { code, text });
                }
                Err(error) => warn!(%error, "could not connect again"),
            }
        }
    }

    /// Tries each address once, and returns the error of the last if none goes well.
    async fn round(&mut self, client: &Arc<Client>) -> Result<Live, AttemptError> {
        let mut last = AttemptError::NoAddress;
        for _ in 0..self.endpoints.len() {
            let endpoint = &self.endpoints[self.next];
            self.next = (self.next + 1) % self.endpoints.len();
            match (Attempt { client, endpoint }).make().await {
                Ok(live) => {
                    self.connected = Some(Instant::now());
                    return Ok(live);
                }
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    debug!(%endpoint, %error, "could not connect");
                    last = error;
                }
            }
        }
        Err(last)
    }

    async fn pause(&mut self) {
        tokio::time::sleep(self.backoff.next(rand::random())).await;
    }
}
