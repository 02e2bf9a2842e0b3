//! How a client comes to a gateway: rounds over its addresses, each with a head start, and pauses between the rounds.

use super::{Addresses, Attempt, AttemptError, Live};
use crate::client::Client;
use crate::connect_error::ConnectError;
#[cfg(feature = "cluster")]
use crate::frontlas::Discovery;
use crate::options::Options;
use crate::status::Closed;
use frontier_protocol::PeerText;
use frontier_transport::{Backoff, DowngradeRule, Endpoint, Staggered};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, warn};

/// How long an address is tried before the next one is tried beside it. Longer than a dial and a Welcome take, as a
/// rule: two gateways that take the client in at once close one of the connections again.
const HEAD_START: Duration = Duration::from_secs(3);

/// For how long, after others have failed, a round waits for those that say nothing: the others may be there again.
const PATIENCE: Duration = Duration::from_secs(15);

/// How a client comes to a gateway.
///
/// The addresses are tried in turn, each once per round, with a pause between the rounds. One that is silent is not
/// waited for: the next one is tried beside it, and the first to take the client in is the one.
pub(crate) struct Route {
    addresses: Addresses,
    backoff: Backoff,
    connected: Option<Instant>,
    /// Whether a refusal ends the client though it was connected before.
    ends_on_refusal: bool,
    /// The address whose attempt began last, while a round is under way. It stays so if the round is cancelled.
    trying: Mutex<Option<Endpoint>>,
    /// Whether it has been logged that the way to the first connection is not smooth.
    is_failure_logged: bool,
    /// Tells the addresses, if the user has not.
    #[cfg(feature = "cluster")]
    discovery: Option<Discovery>,
    /// Whether they are being asked for. It stays so if the round is cancelled meanwhile.
    #[cfg(feature = "cluster")]
    is_discovering: bool,
}

impl Route {
    #[cfg(feature = "cluster")]
    pub(crate) fn new(options: &Options) -> Result<Self, ConnectError> {
        let mut urls = options.redial.urls.clone();
        let discovery = Discovery::take(options, &mut urls)?;
        let asks_secured = discovery.as_ref().is_none_or(Discovery::is_secured);
        let addresses = addresses(options, &urls, asks_secured)?;
        let backoff = Backoff::full_jitter(options.redial.backoff.0, options.redial.backoff.1);
        Ok(Self {
            addresses,
            backoff,
            connected: None,
            ends_on_refusal: options.redial.ends_on_refusal,
            trying: Mutex::default(),
            is_failure_logged: false,
            discovery,
            is_discovering: false,
        })
    }

    #[cfg(not(feature = "cluster"))]
    pub(crate) fn new(options: &Options) -> Result<Self, ConnectError> {
        let addresses = addresses(options, &options.redial.urls, true)?;
        let backoff = Backoff::full_jitter(options.redial.backoff.0, options.redial.backoff.1);
        Ok(Self {
            addresses,
            backoff,
            connected: None,
            ends_on_refusal: options.redial.ends_on_refusal,
            trying: Mutex::default(),
            is_failure_logged: false,
        })
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
            self.pause(client).await;
        }
    }

    /// Makes a new connection, as often as it takes, with a pause before the first round already: all
    /// the clients of a gateway lose it at the same moment.
    pub(crate) async fn reconnect(&mut self, client: &Arc<Client>) -> Result<Live, Closed> {
        self.has_stood_well();
        loop {
            self.pause(client).await;
            match self.round(client).await {
                Ok(live) => return Ok(live),
                Err(error) => {
                    if let Some(closed) = self.end(&error) {
                        return Err(closed);
                    }
                    client.relocations.round_failed();
                    tell(client, &error);
                }
            }
        }
    }

    /// How the client ends because of this error, or `None` if it goes on. Once it has been connected no refusal is final:
    /// it may be the gateway that is wrong, and for a minute.
    pub(super) fn end(&self, error: &AttemptError) -> Option<Closed> {
        let goes_on = self.connected.is_some() && !self.ends_on_refusal;
        error.closed().filter(|closed| *closed == Closed::Superseded || !goes_on)
    }

    /// The gateway has ended the connection, and refuses the client.
    pub(super) fn turned_away(&mut self) {
        // Else what credentials there are now may do at once.
        if !self.has_stood_well() {
            self.addresses.turned_away();
        }
    }

    /// A gateway that drains has named others: they come first until there is a connection, and behind
    /// the others from then on.
    pub(super) fn prefer(&mut self, alternatives: &[String]) {
        self.addresses.prefer(alternatives);
    }

    /// Whether the last connection has stood for so long that the next one may be made without a pause.
    pub(super) fn has_stood_well(&mut self) -> bool {
        let lived = self.connected.map(|connected| connected.elapsed()).unwrap_or_default();
        let is_well = lived >= self.backoff.max();
        if is_well {
            self.backoff.reset();
            self.addresses.forget_refusals();
        }
        is_well
    }

    /// What a round that was cancelled was waiting for.
    pub(crate) fn waits_for(&self) -> Option<AttemptError> {
        #[cfg(feature = "cluster")]
        if let Some(discovery) = self.discovery.as_ref().filter(|_| self.is_discovering) {
            return Some(AttemptError::NotFound(discovery.unanswered()));
        }
        let trying = self.trying.lock();
        trying.as_ref().map(|endpoint| AttemptError::lost(format!("{endpoint} has not answered yet")))
    }

    /// Tries each address once whose gateway has not asked for a pause, and returns the error of the last
    /// if none goes well.
    pub(crate) async fn round(&mut self, client: &Arc<Client>) -> Result<Live, AttemptError> {
        let mut last = AttemptError::NoAddress;
        #[cfg(feature = "cluster")]
        if let Some(discovery) = &mut self.discovery {
            self.is_discovering = true;
            let (found, problem) = discovery.endpoints().await;
            self.is_discovering = false;
            self.addresses.found(found);
            last = problem.map_or(last, AttemptError::NotFound);
        }
        if let Some(downgrade) = self.addresses.left_out() {
            last = AttemptError::Downgrade(downgrade);
        }
        let places = self.addresses.round().into_iter();
        let places = places.map(|place| (place, self.addresses.endpoint(place).clone())).collect::<Vec<_>>();
        let (trying, number) = (&self.trying, client.session.next_attempt());
        let mut attempts = Staggered::new(places, HEAD_START, |(place, endpoint)| async move {
            *trying.lock() = Some(endpoint.clone());
            let made = Attempt { client, endpoint: &endpoint, number, keeps_id: false }.make().await;
            (place, endpoint, made)
        });
        let mut until = None;
        while let Some((place, endpoint, made)) = attempts.next_by(until).await {
            self.addresses.visited(place);
            let error = match made {
                Ok(live) => {
                    self.connected = Some(Instant::now());
                    self.addresses.arrived(place);
                    return Ok(live);
                }
                Err(error) => error,
            };
            until = Some(Instant::now() + PATIENCE);
            // The first one is told at once: a mistake that lasts would else be silent until the connect timeout. One that
            // ends the client is what its user gets.
            let is_end = self.end(&error).is_some() && !self.addresses.is_alternative(place);
            let is_first = self.connected.is_none() && !is_end;
            if is_first && !std::mem::replace(&mut self.is_failure_logged, true) {
                let advice = error.advice();
                warn!(%endpoint, error = %PeerText(&error), advice, "could not connect: trying on");
            } else {
                debug!(%endpoint, error = %PeerText(&error), "could not connect");
            }
            if let Some(after) = error.retry_after() {
                self.addresses.defer(place, after);
            }
            // It may be by an attempt of its own: one beside this, or one that was given up.
            let is_own = || attempts.is_running() || client.cancelled_attempt.may_come_through();
            last = match error {
                error if error.is_superseded() && is_own() => AttemptError::lost(error),
                // What the user did not name has no say in whether the client may live on.
                error if self.end(&error).is_some() && self.addresses.is_alternative(place) => {
                    AttemptError::lost(error)
                }
                error if self.end(&error).is_some() => return Err(error),
                error if error.is_final() => {
                    self.addresses.refused(place);
                    error
                }
                // That one is refused elsewhere says more.
                _ if last.is_final() => last,
                error => error,
            };
        }
        Err(last)
    }

    /// Tries each of these addresses once, and no other: those that a gateway has named which stays itself.
    pub(super) async fn detour(
        &mut self,
        client: &Arc<Client>,
        alternatives: &[String],
    ) -> Result<Live, AttemptError> {
        let mut last = AttemptError::NoAddress;
        let number = client.session.next_attempt();
        let endpoints = alternatives.iter().filter_map(|url| self.addresses.alternative(url));
        let mut attempts = Staggered::new(endpoints.collect::<Vec<_>>(), HEAD_START, |endpoint| async move {
            let made = Attempt { client, endpoint: &endpoint, number, keeps_id: true }.make().await;
            (endpoint, made)
        });
        let mut until = None;
        while let Some((endpoint, made)) = attempts.next_by(until).await {
            until = Some(Instant::now() + PATIENCE);
            match made {
                Ok(live) => {
                    self.connected = Some(Instant::now());
                    self.addresses.arrived_at(endpoint);
                    return Ok(live);
                }
                Err(error) => {
                    debug!(%endpoint, error = %PeerText(&error), "could not connect");
                    // It has no say in whether the client may live on.
                    last = AttemptError::lost(error);
                }
            }
        }
        Err(last)
    }

    /// Waits before the next round.
    pub(super) async fn pause(&mut self, client: &Client) {
        // On top of the pause that gateways have asked for, which is the same for all their clients.
        let start = self.addresses.not_before().unwrap_or_else(Instant::now);
        tokio::select! {
            () = tokio::time::sleep_until(start + self.backoff.next_pause()) => {}
            // An edge has gone: then another gateway takes clients.
            () = client.relocations.round_requested() => {}
        }
    }
}

/// Tells the log, and the program, why a client that was connected is not yet again.
pub(super) fn tell(client: &Client, error: &AttemptError) {
    let advice = error.advice();
    match error.closed() {
        Some(Closed::Refused { code, text }) => {
            if client.refused(code, text) {
                warn!(error = %PeerText(error), advice, "refused: trying on, with pauses that grow");
            } else {
                debug!(error = %PeerText(error), "refused as before");
            }
        }
        _ => warn!(error = %PeerText(error), "could not connect again: trying on after a pause"),
    }
}

/// The user's own. What others name may be without TLS only if one of these is, or `asks_secured` is not so of frontlas.
fn addresses(options: &Options, urls: &[String], asks_secured: bool) -> Result<Addresses, ConnectError> {
    let secured = |url: &String| url.parse::<Endpoint>().is_ok_and(|endpoint| endpoint.is_secured());
    let rule = DowngradeRule::new(asks_secured && urls.iter().all(secured));
    let rule = rule.allow_any(options.redial.allows_downgrade);
    Ok(Addresses::parse(urls, rule, options.redial.refusal_backoff())?)
}

#[cfg(test)]
mod tests {
    use crate::Edge;
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;
    use tracing::Level;

    /// What is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_first_failure_is_logged_with_what_to_do_and_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // It knows nothing of TLS, and hangs up on who begins with it. The third comes when two have failed.
        let third = async move {
            for _ in 0..3 {
                let (mut io, _) = listener.accept().await.unwrap();
                io.read_u8().await.unwrap();
            }
        };
        let log = Log::default();
        let lines = log.clone();
        let logs = tracing_subscriber::fmt()
            .with_max_level(Level::WARN)
            .with_ansi(false)
            .with_writer(move || lines.clone())
            .finish();
        // With one subscriber alone `tracing` asks that of the thread that comes to a line first, which in another test may have
        // none, and goes by its answer for good.
        let _another = tracing::Dispatch::new(tracing_subscriber::registry());
        let _guard = tracing::subscriber::set_default(logs);
        let edge = Edge::builder(format!("tls://127.0.0.1:{port}"));
        let pause = Duration::from_millis(1);
        let edge = edge.backoff(pause, pause).connect_timeout(Duration::from_secs(60)).connect();
        tokio::select! {
            _ = edge => panic!("nobody lets it in"),
            () = third => {}
        }
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in ["WARN", "could not connect", "the TLS handshake", "if not, dial it with tcp or ws"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
