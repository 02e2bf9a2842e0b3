use super::handshake;
use crate::Error;
use crate::client::Client;
use crate::connection::{Connection, Drain, Driver, End};
use crate::options::Options;
use crate::status::Closed;
use frontier_protocol::{Code, EncodeError, MIN_MAX_FRAME, VERSION, Welcome, retry_after};
use frontier_transport::{CloseReason, DialError, Endpoint, Link, LinkConfig};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// How long dialling one address may take.
const DIAL: Duration = Duration::from_secs(5);

/// How long the gateway may take to answer the hello. Meanwhile it may wait for several callbacks of
/// services, one after the other.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// How long the gateway may take to know the methods again.
const RESTORE: Duration = Duration::from_secs(10);

/// The heartbeat interval if the gateway grants none.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Bytes in the outbox from which on callers wait.
const OUTBOX_SOFT: usize = 1024 * 1024;

/// Bytes in the outbox from which on the connection is given up: answers and acks, which may not
/// wait, have piled up because the gateway does not read.
const OUTBOX_HARD: usize = 16 * 1024 * 1024;

/// Streams of both sides, those of detached payloads included.
const MAX_STREAMS: u32 = 4096;

/// One attempt to connect to one address.
pub(crate) struct Attempt<'a> {
    pub(crate) client: &'a Arc<Client>,
    pub(crate) endpoint: &'a Endpoint,
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
    /// Every address has asked to be left alone.
    #[error("no address may be tried now")]
    NoAddress,
    /// The address could not be reached.
    #[error("{}", Causes(.0))]
    Dial(DialError),
    /// A step took too long.
    #[error("{0} took longer than {1:?}")]
    Timeout(&'static str, Duration),
    /// The connection was lost on the way.
    #[error("{0}")]
    Lost(String),
    /// The gateway said no.
    #[error("rejected: {code}: {text}")]
    Rejected {
        /// Why.
        code: Code,
        /// What the code leaves open.
        detail: u32,
        /// Why, in words.
        text: String,
    },
    /// The hello does not fit a frame.
    #[error(transparent)]
    TooLong(EncodeError),
    /// There are no credentials to show.
    #[error("no token: {0}")]
    NoToken(String),
    /// What did not fit the hello could not be registered.
    #[error("methods were not registered again: {0}")]
    Restore(Error),
}

impl AttemptError {
    pub(crate) fn lost(error: impl fmt::Display) -> Self {
        Self::Lost(error.to_string())
    }

    /// How long the gateway wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected { code, detail, .. } => retry_after(*code, *detail),
            _ => None,
        }
    }

    /// What becomes of a client whose connection can't be made anew because of this.
    pub(crate) fn closed(&self) -> Option<Closed> {
        match self {
            Self::Rejected { code, text, .. } if !code.is_retryable() => {
                Some(Closed::Refused { code: *code, text: text.clone() })
            }
            _ => None,
        }
    }

    /// Whether another attempt would fail the same way.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Rejected { code, .. } => !code.is_retryable(),
            Self::TooLong(_) | Self::Dial(DialError::TlsSettings(_)) => true,
            Self::NoAddress
            | Self::Dial(_)
            | Self::Timeout(..)
            | Self::Lost(_)
            | Self::NoToken(_)
            | Self::Restore(_) => false,
        }
    }
}

impl Attempt<'_> {
    /// Connects, introduces the client, starts the connection's task and lets it take questions.
    pub(crate) async fn make(self) -> Result<Live, AttemptError> {
        let options = &self.client.options;
        let token = options.credentials.token().await?;
        let link = link_config(options);
        let dialled =
            timeout(DIAL, frontier_transport::dial(self.endpoint, &options.redial.dial, link)).await;
        let dialled = dialled.map_err(|_| AttemptError::Timeout("dialling", DIAL))?;
        let mut link = dialled.map_err(AttemptError::Dial)?;
        let hello = self.client.abandoned.attempt();
        let greeted = timeout(HANDSHAKE, handshake::greet(&mut link, self.client, token)).await;
        if matches!(greeted, Ok(Ok(_) | Err(AttemptError::Rejected { .. }))) {
            hello.answered();
        }
        let (welcome, told) = greeted.map_err(|_| AttemptError::Timeout("the handshake", HANDSHAKE))??;
        let live = self.start(link, &welcome)?;
        if live.draining.borrow().as_ref().is_some_and(|drain| !drain.stays) {
            live.cut();
            return Err(AttemptError::lost("the gateway is going away"));
        }
        let trial = Trial(&live);
        let restored = self.client.take_up(&live.connection, told, Instant::now() + RESTORE).await;
        restored.map_err(AttemptError::Restore)?;
        trial.pass();
        Ok(live)
    }

    fn start(&self, mut link: Link, welcome: &Welcome) -> Result<Live, AttemptError> {
        if welcome.version != VERSION {
            let text = format!("the gateway speaks version {}, not {VERSION}", welcome.version);
            return Err(AttemptError::Rejected { code: Code::Version, detail: 0, text });
        }
        if self.keeps_id && welcome.id != self.client.id() {
            return Err(AttemptError::lost("the gateway gives another id"));
        }
        link.set_max_frame(welcome.max_frame.min(MIN_MAX_FRAME) as usize);
        self.client.set_id(welcome.id);
        let role = self.client.options.identity.role;
        let connection = Arc::new(Connection::new(link.handle(), role, welcome.max_payload));
        let heartbeat = match welcome.heartbeat_ms {
            0 => HEARTBEAT,
            ms => Duration::from_millis(ms.into()),
        };
        let (driver, draining) = Driver::new(self.client.clone(), connection.clone(), link, heartbeat);
        let ended = tokio::spawn(driver.run());
        Ok(Live { connection, ended, draining })
    }
}

impl Live {
    /// Closes the connection at once.
    pub(crate) fn cut(&self) {
        self.connection.link.close(CloseReason::Local);
    }
}

/// Cuts a connection unless all goes well. Also when whoever tries gives up in the middle.
struct Trial<'a>(&'a Live);

impl Trial<'_> {
    fn pass(self) {
        std::mem::forget(self);
    }
}

impl Drop for Trial<'_> {
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

/// An error and its causes in one line.
struct Causes<'a>(&'a dyn std::error::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
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
