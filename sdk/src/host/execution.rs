//! One request at a host.

use super::wire::{self, RequestHeader};
use super::{HandlerError, Request, Response, Shared};
use bytes::Bytes;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A request of a work session, as the handler of a host gets it.
#[derive(Clone)]
#[non_exhaustive]
pub struct HostRequest {
    /// The session, as 32 hexadecimal digits show it.
    pub session: u128,
    /// The request: the same each time that it is tried.
    pub message: u128,
    /// How many calls of it have failed before.
    pub tries: u32,
    /// What is to be done.
    pub action: Arc<str>,
    /// What with.
    pub body: Bytes,
    /// The client's own.
    pub user_data: Arc<str>,
    /// When nobody waits for the answer any more.
    pub deadline: Instant,
    exiting: watch::Receiver<Option<Duration>>,
}

impl HostRequest {
    /// Waits until the host is to stop, and returns how much time is left then. A request that takes long can end early
    /// with [`HostError::GiveBack`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn exiting(&mut self) -> Duration {
        match self.exiting.wait_for(Option::is_some).await {
            Ok(left) => left.unwrap_or_default(),
            // The host is gone, and this is about to be.
            Err(_) => Duration::ZERO,
        }
    }
}

impl fmt::Debug for HostRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, message, tries, action, body, .. } = self;
        f.debug_struct("HostRequest")
            .field("session", &format_args!("{session:032x}"))
            .field("message", &format_args!("{message:032x}"))
            .field("tries", tries)
            .field("action", action)
            .field("bytes", &body.len())
            .finish_non_exhaustive()
    }
}

/// Why a host does not answer a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// The client gets this, and it is not tried again.
    Fault {
        /// The service's own number; those over 0xffff_feff become that.
        code: u32,
        /// For people.
        text: String,
    },
    /// It is to be tried again, here or elsewhere, as often as the broker does that.
    Retry(String),
    /// It is to be done elsewhere: this host is stopping. That does not count as a try.
    GiveBack,
    /// This host can't offer the service to this session, and is not to be asked again for it.
    NotInitialized(String),
}

impl HostError {
    /// The client gets this, and it is not tried again.
    #[must_use]
    pub fn fault(code: u32, text: impl Into<String>) -> Self {
        Self::Fault { code, text: text.into() }
    }

    fn into_wire(self) -> HandlerError {
        match self {
            Self::Fault { code, text } => HandlerError::new(code.min(wire::FIRST_RESERVED - 1), text),
            Self::Retry(text) => HandlerError::new(wire::RETRY, text),
            Self::GiveBack => HandlerError::new(wire::GIVEN_BACK, "the host is stopping"),
            Self::NotInitialized(text) => HandlerError::new(wire::NOT_INITIALIZED, text),
        }
    }
}

// Not an error itself, as `HandlerError`.
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for HostError {
    fn from(error: E) -> Self {
        let HandlerError { code, text, .. } = HandlerError::from(error);
        Self::Fault { code, text }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, HostError>> + Send>>;

/// The user's code.
pub(super) type HostHandler = Arc<dyn Fn(HostRequest) -> Answer + Send + Sync>;

/// Runs requests.
pub(super) struct Execution {
    pub(super) handler: HostHandler,
    pub(super) shared: Arc<Shared>,
}

/// One more is running, until it is dropped.
struct Running<'a>(&'a Shared);

impl<'a> Running<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.depth.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.depth.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.notify_waiters();
    }
}

impl Execution {
    pub(super) async fn run(&self, request: Request) -> Result<Response, HandlerError> {
        let _running = Running::new(&self.shared);
        // After it was counted: a drain that has seen it waits for it.
        if self.shared.draining.load(Ordering::SeqCst) {
            return Err(HostError::GiveBack.into_wire());
        }
        let Some(header) = RequestHeader::decode(&request.custom) else {
            return Err(HandlerError::new(wire::FIRST_RESERVED, "this is no header of a request"));
        };
        let RequestHeader { session, message, tries, action, user_data } = header;
        let request = HostRequest {
            session,
            message,
            tries,
            action: action.into(),
            user_data: user_data.into(),
            body: request.data,
            deadline: request.deadline,
            exiting: self.shared.exiting.subscribe(),
        };
        // More come than are computed at once: the broker keeps some here, so that the next one need not be fetched.
        let Ok(_place) = self.shared.places.acquire().await else {
            return Err(HostError::GiveBack.into_wire());
        };
        if self.shared.draining.load(Ordering::SeqCst) {
            return Err(HostError::GiveBack.into_wire());
        }
        (self.handler)(request).await.map_err(HostError::into_wire)
    }
}
