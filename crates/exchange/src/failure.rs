//! Why something could not be done: what a requester or a service is told, and what ends a connection.

use crate::limits::key;
use frontier_access::authn::AuthnError;
use frontier_access::quota::QuotaExceeded;
use frontier_access::rules::PermissionDenied;
use frontier_protocol::{Code, EdgeId, retry_detail};
use std::borrow::Cow;
use thiserror::Error;

/// Why a request or a stream failed at the gateway: what its sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind of error.
    pub code: Code,
    /// What the code leaves open, as it stands on the wire.
    pub detail: u32,
    /// What happened.
    pub text: Cow<'static, str>,
}

impl Failure {
    /// An error with a text of its own.
    pub fn new(code: Code, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: 0, text: text.into() }
    }

    /// The same with what the code leaves open.
    #[must_use]
    pub fn detailed(self, detail: u32) -> Self {
        Self { detail, ..self }
    }

    /// The code's own text says it all.
    #[must_use]
    pub fn plain(code: Code) -> Self {
        Self::new(code, code.text())
    }

    /// No connection has this EdgeID.
    #[must_use]
    pub fn edge_not_online(edge: EdgeId) -> Self {
        Self::new(Code::EdgeNotOnline, format!("edge {edge} is not online"))
    }
}

impl From<AuthnError> for Failure {
    fn from(error: AuthnError) -> Self {
        Self::new(error.code(), error.to_string()).detailed(error.retry_after().map_or(0, retry_detail))
    }
}

impl From<PermissionDenied> for Failure {
    fn from(denial: PermissionDenied) -> Self {
        Self::new(denial.code(), denial.to_string())
    }
}

impl From<QuotaExceeded> for Failure {
    fn from(over: QuotaExceeded) -> Self {
        Self::new(over.code(), over.to_string()).detailed(retry_detail(over.retry_after))
    }
}

/// A peer broke the rules of the protocol; its connection ends.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Violation(Cow<'static, str>);

impl Violation {
    /// With what the peer did.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}

/// Why names were not registered. None of the request's names was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistrationError {
    /// More names than a service may have.
    #[error("a service may register {0} methods and topics, and no more ({key})", key = key::NAMES)]
    TooMany(usize),
    /// A name is over the limit.
    #[error("a name of {len} bytes is over the limit of {max} ({key})", key = key::NAME)]
    NameTooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// More methods than an edge may tell of.
    #[error("an edge may tell of {0} methods, and no more ({key})", key = key::EDGE_NAMES)]
    TooManyOfEdge(usize),
    /// The names of an edge's methods are too long together.
    #[error("the methods of an edge are {len} bytes, over the limit of {max} ({key})", key = key::EDGE_NAMES_LEN)]
    TooLongOfEdge {
        /// Their length together, in bytes.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// All edges together have told of too much.
    #[error("the methods that edges tell of take the {0} bytes that they may ({key})", key = key::ALL_EDGE_NAMES_LEN)]
    TooMuchOfEdges(usize),
    /// An edge wants to take a topic.
    #[error(
        "an edge registers methods alone: it gets each message that a service sends it, whatever the topic"
    )]
    TopicOfEdge,
    /// A name is empty.
    #[error("a name must not be empty")]
    EmptyName,
    /// The service, or the edge, is no longer the one that has its id.
    #[error("another connection has taken over this id")]
    Superseded,
    /// The id is held by a service that may not be displaced by this one: why.
    #[error("{0}")]
    Protected(&'static str),
    /// The rules do not allow it.
    #[error(transparent)]
    Denied(#[from] PermissionDenied),
}

impl RegistrationError {
    /// The code that the service is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::TooMany(_) | Self::TooManyOfEdge(_) | Self::TooMuchOfEdges(_) => Code::Overloaded,
            Self::NameTooLong { .. } | Self::TooLongOfEdge { .. } => Code::TooLarge,
            Self::EmptyName | Self::TopicOfEdge | Self::Denied(_) | Self::Protected(_) => Code::Denied,
            Self::Superseded => Code::Superseded,
        }
    }
}

/// Why a request was not forwarded.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// Its requester is told.
    Failed(Failure),
    /// Its requester broke the protocol with it.
    Violation(Violation),
}

impl From<Failure> for Rejected {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Violation> for Rejected {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl Rejected {
    /// What the requester is told, or else the end of its connection.
    pub(crate) fn failure(self) -> Result<Failure, Violation> {
        match self {
            Self::Failed(failure) => Ok(failure),
            Self::Violation(violation) => Err(violation),
        }
    }
}
