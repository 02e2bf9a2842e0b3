//! The one way in: what a wire hands to the exchange.

use crate::envelope::{CorrelationId, Envelope, Outcome, RequestKind};
use frontier_protocol::{EdgeId, Names, Offered, ServiceId};

pub use frontier_protocol::Registration;

/// What a peer has sent.
#[derive(Clone, Debug)]
pub enum Inbound<'a> {
    /// A call or a message.
    Request(Envelope<'a>),
    /// What became of a request that the peer was sent.
    Reply(Reply<'a>),
    /// The peer no longer waits for its request of this id.
    Cancel(u64),
    /// A service adds names, or takes them away; an edge tells what methods it answers. Either all of them or none.
    Register {
        /// The peer's id for this.
        id: u64,
        /// Added or taken away.
        change: Registration,
        /// Methods or topics.
        of: Names,
        /// The names.
        names: &'a [&'a str],
    },
    /// Another gateway gives a request back: it does not have the edge, or no service that takes the name.
    Returned(Returned<'a>),
    /// Another gateway says what its services take.
    Offer {
        /// What it said before is void.
        is_first: bool,
        /// It has said everything now.
        is_last: bool,
        /// In the order in which they hold.
        names: &'a [OfferedName<'a>],
    },
    /// The peer wants to leave.
    Leave {
        /// Because it was asked to, and has another gateway.
        is_draining: bool,
    },
}

/// What became of a request, as the peer says that has it.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// Of the request.
    pub correlation: CorrelationId,
    /// The kind of reply, which must be that of the request.
    pub kind: RequestKind,
    /// What became of it.
    pub outcome: Outcome<'a>,
    /// The edge that replied, where another gateway passes it on.
    pub edge: Option<EdgeId>,
}

/// A name that some service of another gateway takes, or that none does any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedName<'a> {
    /// What it is the name of.
    pub of: Offered,
    /// The exact name.
    pub name: &'a str,
    /// Whether a service takes it.
    pub is_offered: bool,
}

/// A request that another gateway gives back, whole.
#[derive(Clone, Copy, Debug)]
pub struct Returned<'a> {
    /// Of the request; `None` if nobody waits for a reply.
    pub correlation: Option<CorrelationId>,
    /// The edge that it was for; where it went by name, the edge that it came from.
    pub edge: EdgeId,
    /// Whether it went by name.
    pub by_name: bool,
    /// The service that it came from.
    pub service: Option<ServiceId>,
    /// The method or the topic.
    pub name: &'a str,
    /// The users' own header.
    pub custom: &'a [u8],
    /// The trace context; empty without one.
    pub trace: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
    /// What is left of its time, in milliseconds; 0 for the default.
    pub timeout_ms: u32,
}
