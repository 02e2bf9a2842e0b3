//! One attempt to connect to one address: the token, dialling, the handshake, and what did not fit the Hello.

use crate::Error;
use crate::client::{Client, RegisteredNames, ToldMethods};
use crate::connection::{Connection, Drain, Driver, End};
use crate::credentials::TokenError;
use crate::options::Options;
use crate::status::Closed;
use crate::supervisor::offered_link::OfferedLink;
use frontier_protocol::{
    Code, FEATURE_EDGE_METHODS, FEATURE_TRACE, Hello, MIN_MAX_FRAME, Rejection, Role, Token, WelcomeError,
};
use frontier_transport::handshake::within;
use frontier_transport::{
    CloseReason, DialError, Downgrade, Endpoint, Granted, HandshakeError, Link, LinkConfig,
    dial_and_introduce,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long the gateway may take to answer the hello. Meanwhile it may wait for several callbacks of
/// services, one after the other.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long registering what did not fit the hello may take.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes in the outbox from which on callers wait.
const OUTBOX_SOFT: usize = 1024 * 1024;

/// Bytes in the outbox from which on the connection is closed: answers and acks, which may not
/// wait, have piled up because the gateway does not read.
const OUTBOX_HARD: usize = 16 * 1024 * 1024;

/// Streams of both sides, those of detached payloads included.
const MAX_STREAMS: u32 = 4096;

/// One attempt to connect to one address.
pub(crate) struct Attempt<'a> {
    pub(crate) client: &'a Arc<Client>,
    pub(crate) endpoint: &'a Endpoint,
    /// Its number. Attempts beside each other have the same.
    pub(crate) number: u32,
    /// Whether only a gateway will do that gives the client the id that it has.
    pub(crate) keeps_id: bool,
}

/// A connection and its running task.
pub(crate) struct Live {
    pub(crate) connection: Arc<Connection>,
    pub(crate) ended: JoinHandle<End>,
    /// Tells that the gateway wants the client to go elsewhere.
    pub(crate) draining: watch::Receiver<Option<Drain>>,
}

/// Why an attempt to connect failed.
#[derive(Debug, Error)]
pub(crate) enum AttemptError {
    /// The gateways at all addresses have asked for a pause.
    #[error("no address may be tried now: their gateways have asked for a pause")]
    NoAddress,
    /// Frontlas did not say where a gateway is.
    #[cfg(feature = "cluster")]
    #[error("{0}")]
    NotFound(String),
    /// The addresses that may be tried are all those of others, and without the TLS that there was.
    #[error(transparent)]
    Downgrade(Downgrade),
    /// No connection, or the gateway did not take the client in.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The connection can't be used, or was lost.
    #[error("{0}")]
    Lost(String),
    /// There are no credentials to show.
    #[error(transparent)]
    NoToken(#[from] TokenError),
    /// What did not fit the hello could not be registered.
    #[error("methods were not registered: {0}")]
    Register(Error),
}

impl AttemptError {
    pub(crate) fn lost(error: impl fmt::Display) -> Self {
        Self::Lost(error.to_string())
    }

    /// That the gateway refuses the client, and why.
    pub(crate) fn refusal(&self) -> Option<(Code, String)> {
        match self {
            Self::Handshake(HandshakeError::Rejected(Rejection { code, text, .. })) => {
                Some((*code, text.clone()))
            }
            Self::Handshake(HandshakeError::Welcome(error @ WelcomeError::Version { .. })) => {
                Some((Code::Version, error.to_string()))
            }
            _ => None,
        }
    }

    /// Whether a gateway refuses the client because of another connection with its id.
    pub(super) fn is_superseded(&self) -> bool {
        self.closed() == Some(Closed::Superseded)
    }

    /// What the user should look at first.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Handshake(error) => error.advice(),
            #[cfg(feature = "cluster")]
            Self::NotFound(_) => "see that frontlas can be reached, and that gateways report to it",
            Self::NoToken(_) => "see that the source of the token can be reached, and answers in time",
            Self::NoAddress | Self::Downgrade(_) | Self::Lost(_) | Self::Register(_) => {
                "the text says why; the gateway's log may say more"
            }
        }
    }

    /// After how long the gateway wants the next attempt.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Handshake(HandshakeError::Rejected(rejection)) => rejection.retry_after,
            _ => None,
        }
    }

    /// How a client ends that gives up because of this.
    pub(crate) fn closed(&self) -> Option<Closed> {
        let (code, text) = match self {
            Self::Handshake(error @ HandshakeError::TooLong(_)) => (Code::TooLarge, error.to_string()),
            Self::Handshake(
                error @ HandshakeError::Dial(DialError::TlsSettings(_) | DialError::ProxyVariable(_)),
            ) => (Code::Denied, error.to_string()),
            _ => self.refusal()?,
        };
        if code == Code::Superseded {
            return Some(Closed::Superseded);
        }
        (!code.is_retryable()).then_some(Closed::Refused { code, text })
    }

    /// Whether another attempt would fail the same way, as things are now.
    pub(crate) fn is_final(&self) -> bool {
        self.closed().is_some()
    }
}

impl Attempt<'_> {
    /// Connects, introduces the client, starts the connection's task and lets it take requests.
    pub(crate) async fn make(self) -> Result<Live, AttemptError> {
        let options = &self.client.options;
        let token = options.credentials.token().await?;
        let registered = self.client.registered_names();
        let (hello, sent) = self.hello(&registered, token)?;
        let (hello, client) = (&hello, self.client);
        let offer = |link| async move {
            let unanswered = client.cancelled_attempt.hello();
            let granted = within("the handshake", HANDSHAKE_TIMEOUT, OfferedLink::offer(link, hello)).await;
            if granted.as_ref().map_or_else(HandshakeError::is_answer, |_| true) {
                unanswered.answered();
            }
            granted
        };
        let (dial, config) = (&options.redial.dial, link_config(options));
        let (link, granted) =
            dial_and_introduce(self.endpoint, dial, config, offer, HandshakeError::is_answer).await?;
        let live = self.start(link, granted, &sent)?;
        if live.draining.borrow().as_ref().is_some_and(|drain| !drain.stays) {
            live.cut();
            return Err(AttemptError::lost("the gateway is going away"));
        }
        let guard = CutUnlessReady(&live);
        let deadline = Instant::now() + REGISTER_TIMEOUT;
        let registered = self.client.register_rest(&live.connection, sent, deadline).await;
        registered.map_err(AttemptError::Register)?;
        self.client.tell_methods();
        guard.ready();
        Ok(live)
    }

    /// What the client says of itself. Beside it, what of its names is in there: the rest is registered behind
    /// the Welcome.
    fn hello<'a>(
        &'a self,
        registered: &'a RegisteredNames,
        token: Option<Token<'a>>,
    ) -> Result<(Hello<'a>, RegisteredNames), AttemptError> {
        let options = &self.client.options;
        let identity = &options.identity;
        let heartbeat = options.heartbeat.map_or(0, |interval| interval.as_millis().max(1));
        let mut hello = Hello {
            heartbeat_ms: u32::try_from(heartbeat).unwrap_or(u32::MAX),
            id: self.client.id(),
            name: &identity.name,
            topics: registered.topics().map(|topic| &**topic).collect(),
            meta: &identity.meta,
            token,
            features: FEATURE_TRACE | if options.tells_methods() { FEATURE_EDGE_METHODS } else { 0 },
            session: Some(self.client.session.say(self.number, self.client.id())),
            ..Hello::new(identity.role)
        };
        let methods = registered.methods().map(|method| &**method);
        let count = hello.fill_methods(methods, MIN_MAX_FRAME as usize).map_err(HandshakeError::TooLong)?;
        let sent =
            RegisteredNames::new(registered.methods().take(count).cloned(), registered.topics().cloned());
        Ok((hello, sent))
    }

    fn start(
        &self,
        link: Link,
        Granted { welcome, terms }: Granted,
        sent: &RegisteredNames,
    ) -> Result<Live, AttemptError> {
        if self.keeps_id && welcome.id != self.client.id() {
            let text = format!("the gateway gives the id {}, not {}", welcome.id, self.client.id());
            return Err(AttemptError::Lost(text));
        }
        self.client.set_id(welcome.id);
        self.client.session.welcomed(welcome.id, welcome.epoch);
        let role = self.client.options.identity.role;
        let told = (role == Role::Edge && welcome.features & FEATURE_EDGE_METHODS != 0)
            .then(|| ToldMethods::new(sent.clone()));
        let connection = Arc::new(Connection::new(link.handle(), role, &welcome, told));
        let heartbeat = Duration::from_millis(terms.heartbeat_ms.into());
        let (driver, draining) = Driver::new(self.client.clone(), connection.clone(), link, heartbeat);
        let ended = driver.spawn();
        Ok(Live { connection, ended, draining })
    }
}

impl Live {
    /// Closes the connection at once.
    pub(crate) fn cut(&self) {
        self.connection.link.close(CloseReason::Local);
    }
}

/// Cuts a new connection that does not become ready, also when the attempt is cancelled.
struct CutUnlessReady<'a>(&'a Live);

impl CutUnlessReady<'_> {
    fn ready(self) {
        std::mem::forget(self);
    }
}

impl Drop for CutUnlessReady<'_> {
    fn drop(&mut self) {
        self.0.cut();
    }
}

fn link_config(options: &Options) -> LinkConfig {
    LinkConfig {
        max_frame: MIN_MAX_FRAME as usize,
        outbox_soft: OUTBOX_SOFT,
        outbox_hard: OUTBOX_HARD,
        max_streams: MAX_STREAMS,
        window_growth: options.window_growth,
        bulk_rate: options.bulk_rate,
    }
}

#[cfg(test)]
mod tests {
    use crate::Edge;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    /// The gateway may wait for several callbacks of 5 s each.
    #[tokio::test]
    async fn a_gateway_may_take_half_a_minute_to_welcome() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut silent, _) = listener.accept().await.unwrap();
            silent.read_u8().await.unwrap();
            // From here on the time passes by itself.
            tokio::time::pause();
            std::future::pending::<()>().await;
        });
        // There is no time for a second attempt.
        let connect = Edge::builder(url).connect_timeout(Duration::from_secs(31)).connect();
        let error = connect.await.unwrap_err().to_string();
        assert!(error.ends_with("the handshake took longer than 30s"), "{error}");
    }
}
