use super::backoff::Backoff;
use super::{Attempt, AttemptError, Live};
use crate::client::Client;
use crate::options::Redial;
use crate::status::Closed;
use frontier_transport::{Endpoint, EndpointError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, warn};

/// How long an address is left alone at most, whatever its gateway asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The addresses of the gateways, and which of them is next.
///
/// They are tried in turn, each once per round, with a pause between the rounds.
pub(crate) struct Route {
    addresses: Vec<Address>,
    next: usize,
    backoff: Backoff,
    connected: Option<Instant>,
}

impl Route {
    pub(crate) fn new(redial: &Redial) -> Result<Self, EndpointError> {
        let addresses =
            redial.urls.iter().map(|url| url.parse().map(Address::new)).collect::<Result<_, _>>()?;
        let backoff = Backoff::new(redial.backoff.0, redial.backoff.1);
        Ok(Self { addresses, next: 0, backoff, connected: None })
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
                Err(AttemptError::Rejected { code, text, .. }) if !code.is_retryable() => {
                    return Err(Closed::Refused { code, text });
                }
                Err(error) => warn!(%error, "could not connect again"),
            }
        }
    }

    /// Tries each address once that has not asked to be left alone, and returns the error of the last if none goes well.
    async fn round(&mut self, client: &Arc<Client>) -> Result<Live, AttemptError> {
        let mut last = AttemptError::NoAddress;
        for _ in 0..self.addresses.len() {
            let index = self.next;
            self.next = (index + 1) % self.addresses.len();
            let Address { endpoint, opens } = &mut self.addresses[index];
            if opens.is_some_and(|opens| Instant::now() < opens) {
                continue;
            }
            match (Attempt { client, endpoint }).make().await {
                Ok(live) => {
                    self.connected = Some(Instant::now());
                    return Ok(live);
                }
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    debug!(%endpoint, %error, "could not connect");
                    *opens = error.retry_after().map(opening);
                    last = error;
                }
            }
        }
        Err(last)
    }

    async fn pause(&mut self) {
        // On top of what they have asked for: all clients of a gateway were asked for the same.
        let opens = self.addresses.iter().map(|address| address.opens).min().flatten();
        let start = opens.map_or_else(Instant::now, |opens| opens.max(Instant::now()));
        tokio::time::sleep_until(start + self.backoff.next(rand::random())).await;
    }
}

/// Where a gateway is.
struct Address {
    endpoint: Endpoint,
    /// It has asked to be left alone until then.
    opens: Option<Instant>,
}

impl Address {
    fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, opens: None }
    }
}

/// When to come again, if that is to be `after` so long.
fn opening(after: Duration) -> Instant {
    Instant::now() + after.min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_gateway_can_put_a_client_off_for_long() {
        let now = Instant::now();
        assert_eq!(opening(Duration::from_secs(7)), now + Duration::from_secs(7));
        assert_eq!(opening(Duration::from_millis(u32::MAX.into())), now + LONGEST_WAIT);
    }
}
