//! What goes to a peer: a request, and what is said first on a leg.

use crate::authorization::AuthorizationCell;
use crate::envelope::{CorrelationId, Outcome, RequestKind};
use crate::remote_edge::LocalEdge;
use frontier_protocol::{EdgeId, ServiceId};
use std::net::IpAddr;

/// A request for a peer.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Call or message.
    pub kind: RequestKind,
    /// What the reply is to bring back; `None` if nobody waits for one.
    pub correlation: Option<CorrelationId>,
    /// Who asks.
    pub from: Sender<'a>,
    /// The method or the topic.
    pub name: &'a str,
    /// The users' own header.
    pub custom: &'a [u8],
    /// The trace context; empty without one. Left out where its receiver takes none, or it does not fit.
    pub trace: &'a [u8],
    /// The payload; empty where it follows on a leg.
    pub payload: &'a [u8],
    /// What is left of its time, in milliseconds: 1 at least.
    pub timeout_ms: u32,
}

/// Who sends a request, as far as the receiver is to know.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'a> {
    /// An edge, to a service.
    Edge {
        /// The edge.
        id: EdgeId,
        /// Who it is by its credentials; `None` for an edge of another gateway.
        authorization: Option<&'a AuthorizationCell>,
    },
    /// A service, to an edge; or the gateway itself, to a service.
    Unnamed,
    /// A service of this gateway, to the gateway that owns the edge.
    Service {
        /// The service.
        service: LocalCaller<'a>,
        /// The edge that it asks.
        edge: EdgeId,
        /// Whether the request is to come back if the edge is not there.
        returns: bool,
    },
    /// An edge of this gateway, to another one that offers the name.
    ByName {
        /// The edge.
        edge: LocalEdge<'a>,
        /// Whether the request is to come back if no service takes the name there.
        returns: bool,
    },
}

/// A service of this gateway, as another gateway is told of it.
#[derive(Clone, Copy, Debug)]
pub struct LocalCaller<'a> {
    /// Its id.
    pub id: ServiceId,
    /// Its name; may be empty.
    pub name: &'a str,
    /// Where it connects from, if it has an address.
    pub address: Option<IpAddr>,
    /// Who it is by its credentials.
    pub authorization: &'a AuthorizationCell,
}

/// What is said first on a leg.
#[derive(Clone, Copy, Debug)]
pub enum Head<'a> {
    /// A stream is opened.
    Stream(StreamHead<'a>),
    /// A request, whose payload of so many bytes follows.
    Request(&'a Outgoing<'a>, u64),
    /// A reply to the call of this id, whose payload of so many bytes follows, and the edge that it is from.
    Reply(u64, Option<EdgeId>, Outcome<'a>, u64),
}

/// What is said of a stream when it is opened.
#[derive(Clone, Copy, Debug)]
pub struct StreamHead<'a> {
    /// Who opens it.
    pub from: StreamSender<'a>,
    /// The opener's own.
    pub meta: &'a [u8],
    /// The trace context; empty without one.
    pub trace: &'a [u8],
    /// How long the acceptor may take, in milliseconds.
    pub timeout_ms: u32,
}

/// Who opens a stream.
#[derive(Clone, Copy, Debug)]
pub enum StreamSender<'a> {
    /// An edge, to a service of this name.
    Edge(EdgeId, &'a str),
    /// A service of this id and name, to an edge.
    Service(ServiceId, &'a str),
    /// A service of this gateway, to the gateway that owns the edge.
    Remote(LocalCaller<'a>, EdgeId),
    /// An edge of this gateway, to another one that offers the service of this name.
    ByName(LocalEdge<'a>, &'a str),
}

impl Head<'_> {
    /// Whether a stream is opened, and not a payload carried.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }
}
