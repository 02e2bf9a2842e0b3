use crate::{Closed, Error};
use frontier_protocol::Code;

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
    /// What is told to those who wait for answers.
    pub(super) fn error(&self) -> Error {
        match self {
            Self::Lost(reason) => Error::new(Code::Disconnected, reason.clone()),
            Self::Left { .. } => Closed::Local.error(),
            Self::Superseded => Closed::Superseded.error(),
            Self::Refused { code, text } => Error::new(*code, text.clone()),
        }
    }
}
