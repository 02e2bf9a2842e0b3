//! Whether a client is connected, and why it is not any more.

use crate::Error;
use frontier_protocol::Code;
use std::fmt;
use tokio::sync::watch;

/// How a client stands to the gateway.
///
/// ```text
/// Connected ⇄ Reconnecting ─▶ Refused ─▶ Connected
///     └────────────┴─┬───────────┘
///                  Closed
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Connected, and everything that was registered is registered there.
    Connected,
    /// The connection was lost, a new one is being made. Calls wait for it.
    Reconnecting,
    /// Not connected, and whoever was asked last refuses this client, or its own settings are of no use any more. It was
    /// connected before, so it goes on trying, with pauses that grow: the mistake may be the gateway's, and mended there.
    /// Calls wait for the connection.
    Refused {
        /// Why.
        code: Code,
        /// Why, in words.
        text: String,
    },
    /// It is over.
    Closed(Closed),
}

/// Why a client is closed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The user closed it, or dropped its last handle.
    Local,
    /// A newer connection took over the id, or holds it when this client comes back. Reconnecting would take it back,
    /// and so on for ever. Within 15
    /// seconds of an attempt to connect that was given up without an answer it may be that very attempt: then
    /// this counts as a loss.
    Superseded,
    /// The gateway refuses this client, which was built to [end then](crate::Builder::end_on_refusal), or not to reconnect.
    Refused {
        /// Why.
        code: Code,
        /// Why, in words.
        text: String,
    },
    /// The connection was lost, and reconnecting is switched off.
    Lost(String),
}

impl Closed {
    /// What operations fail with from now on.
    pub(crate) fn error(&self) -> Error {
        match self {
            Self::Local => Error::new(Code::Cancelled, "the client is closed"),
            Self::Superseded => Error::new(Code::Superseded, ""),
            Self::Refused { code, text } => Error::new(*code, text.clone()),
            Self::Lost(reason) => Error::new(Code::Disconnected, reason.clone()),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("closed here"),
            Self::Superseded => f.write_str("a newer connection took over"),
            Self::Refused { code, text } if text.is_empty() => write!(f, "refused by the gateway: {code}"),
            Self::Refused { code, text } => write!(f, "refused by the gateway: {code}: {text}"),
            Self::Lost(reason) => write!(f, "the connection was lost: {reason}"),
        }
    }
}

/// Follows the [`Status`] of a client.
#[derive(Clone, Debug)]
pub struct StatusWatch(watch::Receiver<Status>);

impl StatusWatch {
    pub(crate) fn new(receiver: watch::Receiver<Status>) -> Self {
        Self(receiver)
    }

    /// The status now.
    #[must_use]
    pub fn get(&self) -> Status {
        self.0.borrow().clone()
    }

    /// Waits for the next change and returns the status after it. Changes in quick succession may be
    /// seen as one. Once the status is [`Status::Closed`] nothing changes and this returns at once.
    ///
    /// # Cancel safety
    /// Cancel safe: a change that was not returned is returned by the next call.
    pub async fn changed(&mut self) -> Status {
        let is_over = matches!(*self.0.borrow(), Status::Closed(_));
        if !is_over && self.0.changed().await.is_err() {
            // The runtime was shut down before the client could say so.
            return Status::Closed(Closed::Local);
        }
        self.0.borrow_and_update().clone()
    }

    /// Waits until the status is [`Status::Closed`] and returns the reason.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Status::Closed(closed) = &*self.0.borrow_and_update() {
                return closed.clone();
            }
            if self.0.changed().await.is_err() {
                return Closed::Local;
            }
        }
    }
}
