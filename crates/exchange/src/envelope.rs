//! A call or an acked message on its way, and what becomes of it.

use crate::failure::Failure;
use crate::remote_caller::RemoteCaller;
use crate::remote_edge::RemoteEdge;
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;
use std::time::Instant;

/// What kind of request it is, and so what kind of reply it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// A call: replied to with a result, or an error.
    Call,
    /// A message: acknowledged at most.
    Message,
}

/// Names a request at the peer that it was forwarded to; its reply brings it back. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CorrelationId(pub u64);

/// A call or a message as a peer has sent it, borrowed from the bytes that brought it.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Call or message.
    pub kind: RequestKind,
    /// The requester's own id for it. Free of meaning where no reply is wanted.
    pub id: u64,
    /// Whether the requester waits for what becomes of it. Always so for a call.
    pub wants_reply: bool,
    /// Whom it is for.
    pub to: Destination<'a>,
    /// The method of a call, the topic of a message.
    pub name: &'a str,
    /// The users' own header, without what the wire adds.
    pub custom: &'a [u8],
    /// The trace context; empty without one.
    pub trace: &'a [u8],
    /// The payload; empty where it follows on a leg.
    pub payload: &'a [u8],
    /// When the requester stops waiting.
    pub deadline: Instant,
}

/// Whom a request is for.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// A service that takes its name: an edge asks.
    Name,
    /// A service that takes its name: a part of the gateway asks.
    NameFor {
        /// The edge in whose name it asks; `None` for none, and then only services here are asked.
        edge: Option<EdgeId>,
        /// What a service is chosen by.
        key: u64,
    },
    /// This edge: a service asks.
    Edge(EdgeId),
    /// This edge, and only if it is here: another gateway asks for a service of its own.
    LocalEdge {
        /// The edge.
        edge: EdgeId,
        /// The service in whose name the other gateway asks.
        caller: &'a Arc<RemoteCaller>,
        /// Whether the other gateway wants the request back if the edge is not here.
        returns: bool,
    },
    /// A service here that takes its name, and only here: another gateway asks for an edge of its own.
    LocalName {
        /// The edge in whose name the other gateway asks.
        edge: &'a RemoteEdge,
        /// Whether the other gateway wants the request back if no service takes the name.
        returns: bool,
    },
    /// Its wire could not read whom: it is charged and checked as any other, and then fails with `Protocol` and this
    /// text.
    Unreadable(&'static str),
}

impl Destination<'_> {
    /// The edge that is asked, if it is one.
    pub(crate) fn edge(&self) -> Option<EdgeId> {
        match *self {
            Self::Edge(edge) | Self::LocalEdge { edge, .. } => Some(edge),
            Self::Name | Self::NameFor { .. } | Self::LocalName { .. } | Self::Unreadable(_) => None,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// `Ok`, or the kind of error.
    pub code: Code,
    /// What the code leaves open: the application's own number, or when to try again.
    pub detail: u32,
    /// The users' own header.
    pub custom: &'a [u8],
    /// The result, or the error's text.
    pub payload: &'a [u8],
}

impl<'a> Outcome<'a> {
    /// An error that the gateway answers with.
    #[must_use]
    pub fn failure(failure: &'a Failure) -> Self {
        Self { code: failure.code, detail: failure.detail, custom: b"", payload: failure.text.as_bytes() }
    }
}
