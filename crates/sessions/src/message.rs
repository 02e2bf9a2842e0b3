//! Requests and responses.

use crate::id::MessageId;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// A request, as a client has sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Its name.
    pub id: MessageId,
    /// What the service is to do.
    pub action: Arc<str>,
    /// What with: opaque.
    pub body: Bytes,
    /// Comes back with the response, and goes to the host as well.
    pub user_data: Arc<str>,
}

impl Request {
    /// What it takes of a store, in bytes, beside what the store has to know of it.
    #[must_use]
    pub fn size(&self) -> usize {
        self.body.len() + self.user_data.len() + self.action.len()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, action, body, user_data: _ } = self;
        f.debug_struct("Request").field("id", id).field("action", action).field("bytes", &body.len()).finish()
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Which request.
    pub request: MessageId,
    /// That of the request.
    pub user_data: Arc<str>,
    /// An answer or a fault.
    pub outcome: Outcome,
}

impl Response {
    /// What it takes of a store, in bytes, beside what the store has to know of it.
    #[must_use]
    pub fn size(&self) -> usize {
        let outcome = match &self.outcome {
            Outcome::Answer(body) => body.len(),
            Outcome::Fault(fault) => fault.text.len(),
        };
        outcome + self.user_data.len()
    }
}

/// An answer or a fault.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What the service has answered: opaque.
    Answer(Bytes),
    /// Why there is no answer.
    Fault(CallFault),
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(body) => write!(f, "Answer({} bytes)", body.len()),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFault {
    /// What kind: the name of a [`FaultCode`](crate::FaultCode).
    pub code: Arc<str>,
    /// The number that the service gives its errors; 0 for none.
    pub detail: u32,
    /// For people.
    pub text: Arc<str>,
}
