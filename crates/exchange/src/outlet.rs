//! The one way out: what the exchange asks of whatever is behind a peer.

use crate::envelope::{CorrelationId, Outcome, RequestKind};
use crate::failure::RegistrationError;
use crate::leg::{BoxFuture, NewLeg};
use crate::limits::key;
use crate::outgoing::Outgoing;
use crate::registry::NameChanges;
use crate::remote_caller::RemoteCaller;
use frontier_protocol::{Code, EdgeId, Registration};
use std::borrow::Cow;
use std::fmt::Debug;
use std::time::Duration;
use thiserror::Error;

/// What is behind a peer, as the exchange sees it.
///
/// A method that queues does not wait, and never calls the exchange. Requests are refused when the queue is full,
/// replies and notices later: a peer that does not read can't be asked more, but is still answered for a while.
///
/// What is behind an outlet need not know streams, drains or registrations: those methods have defaults. A topic that
/// goes to a message broker needs `request`, whose reply comes later, with [`Exchange::on`](crate::Exchange::on) from
/// whatever task hears of it.
pub trait Outlet: Debug + Send + Sync {
    /// Queues a request for the peer.
    ///
    /// # Errors
    /// [`QueueError`]; nothing was queued then.
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError>;

    /// Queues what became of the peer's request `id`, and the edge that it is from if a service asked.
    ///
    /// # Errors
    /// [`QueueError`]; nothing was queued then.
    fn reply(
        &self,
        id: u64,
        kind: RequestKind,
        edge: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError>;

    /// Tells the peer that nobody waits for its reply any more.
    ///
    /// # Errors
    /// [`QueueError`]; nothing was queued then.
    fn cancel(&self, correlation: CorrelationId) -> Result<Queued, QueueError>;

    /// Tells a service, or an edge, what became of its registration `id`.
    ///
    /// # Errors
    /// [`QueueError`]; nothing was queued then.
    fn registered(
        &self,
        id: u64,
        change: Registration,
        outcome: Result<(), &RegistrationError>,
    ) -> Result<Queued, QueueError> {
        let _ = (id, change, outcome);
        Ok(Queued::SENT)
    }

    /// Whether the peer, which is an edge or a service, may register names. A wire on which it may not by agreement takes what
    /// it registers for a breach.
    fn may_register(&self) -> bool {
        true
    }

    /// Gives a request back to the gateway that it came from: `edge` is not here, for which `caller` asked; or without one,
    /// no service takes the name for which `edge` asked.
    ///
    /// # Errors
    /// [`QueueError`]; nothing was queued then.
    fn give_back(
        &self,
        request: &Outgoing<'_>,
        edge: EdgeId,
        caller: Option<&RemoteCaller>,
    ) -> Result<Queued, QueueError> {
        let _ = (request, edge, caller);
        Err(QueueError::Closed("this is no gateway".into()))
    }

    /// Tells another gateway what the services here take.
    ///
    /// # Errors
    /// [`QueueError`]; nothing was queued then.
    fn offer(&self, names: &NameChanges) -> Result<Queued, QueueError> {
        let _ = names;
        Ok(Queued::SENT)
    }

    /// Asks the peer to leave.
    ///
    /// # Errors
    /// [`QueueError`]; nothing was queued then.
    fn go_away(&self, departure: &Departure<'_>) -> Result<Queued, QueueError> {
        let _ = departure;
        Ok(Queued::SENT)
    }

    /// Queues the last word, behind which there is no request.
    ///
    /// # Errors
    /// [`QueueError`]; nothing was queued then.
    fn seal(&self) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    /// Opens a leg to the peer, for a stream or for a payload. Nothing has been said on it yet.
    ///
    /// # Errors
    /// [`OpenError`].
    fn open(&self) -> BoxFuture<'_, Result<Box<dyn NewLeg>, OpenError>> {
        Box::pin(async { Err(OpenError::Unsupported) })
    }

    /// Waits until there may be room for a request, or the connection is closed.
    fn writable(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// Has what is queued sent. Called once for many requests and replies.
    fn wake(&self) {}

    /// Closes the connection at once. The first reason counts.
    fn close(&self, reason: CloseReason);

    /// Whether the connection is closed.
    fn is_closed(&self) -> bool;

    /// Bytes that are queued.
    fn backlog(&self) -> usize {
        0
    }

    /// Bytes that the peer has taken since the start: stands still while it does not read.
    fn written(&self) -> u64 {
        0
    }

    /// Legs that are open or being opened, in both directions.
    fn streams(&self) -> u32 {
        0
    }

    /// What lists, logs and metrics call the wire; empty for the gateway's own, which they call by what carries it.
    fn wire(&self) -> &'static str {
        ""
    }
}

/// Something was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Queued {
    /// Whether [`Outlet::wake`] must be called for it to be sent.
    pub needs_wake: bool,
}

impl Queued {
    /// It is on its way already.
    pub const SENT: Self = Self { needs_wake: false };
}

/// What the peers of a gateway are told when they are to go elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Departure<'a> {
    /// How long the gateway waits for them.
    pub grace: Duration,
    /// After how long they are to go.
    pub delay: Duration,
    /// Where they may go, as URLs, the best first.
    pub alternatives: &'a [&'a str],
    /// Whether one that can't go elsewhere may stay.
    pub stays: bool,
    /// Why.
    pub text: &'a str,
}

/// Why something was not queued.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueueError {
    /// The peer does not read fast enough.
    #[error("the queue for the receiver is full ({key})", key = key::OUTBOX)]
    Full,
    /// The connection is closed.
    #[error("the link is closed: {0}")]
    Closed(Cow<'static, str>),
    /// The peer leaves, and takes no more requests.
    #[error("the receiver is leaving")]
    Sealed,
    /// The peer or its wire does not take so much.
    #[error("{0}")]
    TooLarge(Cow<'static, str>),
}

impl QueueError {
    /// The code that a sender is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Full => Code::Overloaded,
            Self::Closed(_) => Code::Disconnected,
            Self::Sealed => Code::Draining,
            Self::TooLarge(_) => Code::TooLarge,
        }
    }
}

/// Why a leg was not opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The connection has as many streams as it may have.
    #[error("the link has {0} streams and may have no more ({key})", key = key::STREAMS)]
    TooMany(u32),
    /// The peer takes no more streams on its connection.
    #[error("the peer takes no more streams on this link")]
    Leaving,
    /// The connection is closed.
    #[error("the link is closed")]
    Closed,
    /// The peer's wire knows nothing of the kind.
    #[error("the receiver's wire carries no streams")]
    Unsupported,
}

impl OpenError {
    /// The code that a sender is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::TooMany(_) => Code::Overloaded,
            Self::Leaving => Code::Draining,
            Self::Closed => Code::Disconnected,
            Self::Unsupported => Code::StreamRefused,
        }
    }
}

/// Why the exchange closes a connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CloseReason {
    /// A newer connection took over the identity.
    #[error("a newer connection took over")]
    Superseded,
    /// The peer gave no sign of life.
    #[error("the peer gave no sign of life")]
    Silent,
    /// The peer did not read what was sent to it.
    #[error("the peer reads too slowly")]
    SlowPeer,
    /// An operator closed it. The peer may come again.
    #[error("closed by an operator")]
    Kicked,
    /// The peer was let in, and would not be any more: what it is told.
    #[error("{1}")]
    Refused(Code, String),
    /// The gateway stops.
    #[error("closed here")]
    Local,
}
