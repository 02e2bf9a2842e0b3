//! The dialler's handshake over a [`Link`]: dials, sends the `Hello`, reads and checks the answer. Shared by edges
//! and services, by a gateway that dials frontlas, and by one that dials another gateway.

use crate::{
    CloseReason, DialError, DialOptions, Endpoint, Event, Link, LinkConfig, LinkError, Priority, PushError,
};
use frontier_protocol::{EncodeError, Frame, Hello, ParseError, Rejection, Terms, Welcome, WelcomeError};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// What the other end has granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its `Welcome`, as it came.
    pub welcome: Welcome,
    /// What holds for the link from here on.
    pub terms: Terms,
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum HandshakeError {
    /// The endpoint could not be reached.
    #[error("{}", Chain(.0))]
    Dial(DialError),
    /// A step was not over in time.
    #[error("{step} took longer than {limit:?}")]
    Timeout {
        /// Which one.
        step: &'static str,
        /// The time that it had.
        limit: Duration,
    },
    /// The `Hello` does not fit a frame.
    #[error(transparent)]
    TooLong(EncodeError),
    /// The connection was lost, or the other end broke the protocol.
    #[error(transparent)]
    Link(CloseReason),
    /// The other end did not take the dialler in.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The `Welcome` can't be worked with.
    #[error(transparent)]
    Welcome(#[from] WelcomeError),
}

impl HandshakeError {
    /// Whether the other end has answered: another address of its name is not asked the same.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Rejected(_) | Self::Welcome(_) | Self::TooLong(_))
    }
}

impl From<DialError> for HandshakeError {
    fn from(error: DialError) -> Self {
        Self::Dial(error)
    }
}

impl From<LinkError> for HandshakeError {
    fn from(error: LinkError) -> Self {
        Self::Link(error.reason())
    }
}

impl From<ParseError> for HandshakeError {
    fn from(error: ParseError) -> Self {
        Self::Link(CloseReason::Protocol(error.to_string()))
    }
}

impl From<PushError> for HandshakeError {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Encode(error) => Self::TooLong(error),
            PushError::Closed(reason) => Self::Link(reason),
            // The outbox of a new link is empty and takes everything.
            error => Self::Link(CloseReason::Lost(error.to_string())),
        }
    }
}

/// Dials `endpoint` and introduces the dialler with `hello`. Where the two have deadlines of their own,
/// [`dial`](crate::dial()) and [`offer`] do the same.
///
/// # Errors
/// [`HandshakeError`]. The caller sets the deadline, with [`within`] for example.
///
/// # Cancel safety
/// Cancel safe: the connection is dropped. The other end may have read the `Hello`.
pub async fn connect(
    endpoint: &Endpoint,
    options: &DialOptions,
    config: LinkConfig,
    hello: &Hello<'_>,
) -> Result<(Link, Granted), HandshakeError> {
    let mut link = crate::dial(endpoint, options, config).await?;
    let granted = offer(&mut link, hello).await?;
    Ok((link, granted))
}

/// Introduces the dialler over a new link, and sets the frame limit that is granted. Frames behind the `Welcome`
/// stay in the link; a stream that comes before it is reset.
///
/// # Errors
/// [`HandshakeError`]; the link is of no further use then.
///
/// # Cancel safety
/// Not cancel safe: drop the link as well. The other end may have read the `Hello`.
pub async fn offer(link: &mut Link, hello: &Hello<'_>) -> Result<Granted, HandshakeError> {
    link.handle().send(Priority::Request, |out| hello.encode(out))?;
    let welcome = Welcome::or_rejection(&first_frame(link).await?)??;
    let terms = welcome.terms(hello)?;
    link.set_max_frame(terms.max_frame as usize);
    Ok(Granted { welcome, terms })
}

/// Gives a step of the handshake its time.
///
/// # Errors
/// [`HandshakeError::Timeout`], or what the step fails with.
///
/// # Cancel safety
/// That of the step, which is dropped when its time is over.
pub async fn within<T>(
    step: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, HandshakeError>>,
) -> Result<T, HandshakeError> {
    let late = |_| Err(HandshakeError::Timeout { step, limit });
    tokio::time::timeout(limit, work).await.unwrap_or_else(late)
}

async fn first_frame(link: &mut Link) -> Result<Frame, HandshakeError> {
    loop {
        if let Some(frame) = link.frame()? {
            return Ok(frame);
        }
        match link.next().await? {
            Event::Frames => {}
            Event::Stream(_) | Event::ExcessStream(_) => {}
        }
    }
}

/// An error and its causes in one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
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
    use super::*;
    use frontier_protocol::{Code, Epoch, Kind, MIN_MAX_FRAME, Reject, Role, VERSION, ping};
    use std::sync::Arc;

    const WELCOME: Welcome = Welcome {
        version: VERSION,
        features: 0,
        max_frame: MIN_MAX_FRAME,
        heartbeat_ms: 20_000,
        id: 7,
        epoch: Epoch(1),
        max_payload: 1 << 20,
        directory_time: None,
    };

    fn config() -> LinkConfig {
        LinkConfig {
            max_frame: 1 << 20,
            outbox_soft: 1 << 16,
            outbox_hard: 1 << 20,
            max_streams: 8,
            window_growth: 0,
            bulk_rate: 0,
        }
    }

    /// A handshake with a gateway that answers the Hello like this.
    async fn offered(
        answer: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> (Link, Result<Granted, HandshakeError>) {
        let (near, far) = tokio::io::duplex(1 << 20);
        let dialler = async {
            let mut link = Link::dial(near, config()).await.unwrap();
            let granted = offer(&mut link, &Hello::new(Role::Edge)).await;
            (link, granted)
        };
        let gateway = async {
            let mut link = Link::accept(far, Arc::new(config())).await.unwrap();
            let frame = first_frame(&mut link).await.unwrap();
            assert_eq!(Hello::parse(&frame), Ok(Hello::new(Role::Edge)));
            link.handle().send(Priority::Reply, answer).unwrap();
            while link.next().await.is_ok() {}
            std::future::pending().await
        };
        tokio::select! {
            result = dialler => result,
            () = gateway => unreachable!("it never ends"),
        }
    }

    #[tokio::test]
    async fn frames_behind_the_welcome_stay_in_the_link() {
        let (mut link, granted) = offered(|out| {
            WELCOME.encode(out)?;
            ping(5, out);
            Ok(())
        })
        .await;
        let terms = Terms { max_frame: MIN_MAX_FRAME, heartbeat_ms: 20_000 };
        assert_eq!(granted.unwrap(), Granted { welcome: WELCOME, terms });
        let frame = first_frame(&mut link).await.unwrap();
        assert_eq!((frame.kind, frame.id), (Kind::Ping, 5));
    }

    #[tokio::test]
    async fn each_refusal_says_what_is_wrong() {
        let reject = Reject { code: Code::Denied, detail: 0, text: "not here" };
        let (_, rejected) = offered(|out| reject.encode(out)).await;
        assert_eq!(rejected.unwrap_err().to_string(), "rejected: denied: not here");
        let (_, useless) = offered(|out| Welcome { heartbeat_ms: 0, ..WELCOME }.encode(out)).await;
        let text = useless.unwrap_err().to_string();
        assert_eq!(text, "heartbeat_ms in Welcome is 0, it must be 1 or more");
        let (_, broken) = offered(|out| {
            ping(1, out);
            Ok(())
        })
        .await;
        assert!(matches!(broken, Err(HandshakeError::Link(CloseReason::Protocol(_)))), "{broken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_takes_too_long_is_named() {
        let never = std::future::pending::<Result<(), HandshakeError>>();
        let error = within("the handshake", Duration::from_secs(5), never).await.unwrap_err();
        assert_eq!(error.to_string(), "the handshake took longer than 5s");
    }
}
