//! How a connection ends, and how its gateway says that it will.

use crate::{Closed, Error};
use frontier_protocol::Code;
use tokio::time::Instant;

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// It was lost, or the gateway let it go.
    Lost(String),
    /// The user left. Whether everything that was in flight was done by then.
    Left { is_complete: bool },
    /// A newer connection took over the id.
    Superseded,
    /// The gateway does not want this client any more.
    Refused { code: Code, text: String },
}

impl End {
    /// What pending requests fail with.
    pub(super) fn error(&self) -> Error {
        match self {
            Self::Lost(reason) => Error::new(Code::Disconnected, reason.clone()),
            Self::Left { .. } => Closed::Local.error(),
            Self::Superseded => Closed::Superseded.error(),
            // Not with that code: nobody knows what became of them.
            Self::Refused { code, text } => {
                Error::new(Code::Disconnected, format!("refused by the gateway: {code}: {text}"))
            }
        }
    }
}

/// The gateway wants the client to move to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drain {
    /// When to begin.
    pub(crate) start: Instant,
    /// Addresses of gateways to go to, as it wrote them, the best first.
    pub(crate) alternatives: Vec<String>,
    /// Whether it stays itself: then the client goes to one of these or not at all. Else it is about to stop.
    pub(crate) stays: bool,
}
