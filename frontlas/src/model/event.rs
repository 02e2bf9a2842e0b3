//! What frontiers report of connections, and the verdicts on it.

use super::{Invalid, MAX_TEXT, Timestamp};
use frontier_protocol::{Claim, Proof};

/// What a frontier reports. A connection has one id and one stamp from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection was made.
    Online(Presence),
    /// A connection has ended. It takes away the record of this very connection, never another.
    Offline {
        /// Of an edge or a service.
        kind: Kind,
        /// Its EdgeID or ServiceID.
        id: u64,
        /// The stamp of its [`Presence`].
        stamp: Timestamp,
    },
}

/// One connection of an edge or a service to a frontier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The EdgeID or ServiceID. A service that is connected to several frontiers has an id on each: with one
    /// id, the latest of its connections would be the only one.
    pub id: u64,
    /// From where it is connected.
    pub addr: String,
    /// When it was made, in directory time. Of two connections of one id, the greater stamp is the present
    /// one; if they are equal, the one at the greater frontier id.
    pub stamp: Timestamp,
    /// The service's name; `None` for an edge.
    pub service: Option<String>,
    /// With what it claims its id, if its frontier tells: by that it is judged whom it may displace.
    pub claim: Option<Claim>,
}

impl Presence {
    /// An edge.
    pub fn edge(edge_id: u64, addr: impl Into<String>, stamp: Timestamp) -> Self {
        Self { id: edge_id, addr: addr.into(), stamp, service: None, claim: None }
    }

    /// A service.
    pub fn service(
        service_id: u64,
        name: impl Into<String>,
        addr: impl Into<String>,
        stamp: Timestamp,
    ) -> Self {
        Self { id: service_id, addr: addr.into(), stamp, service: Some(name.into()), claim: None }
    }

    /// What it is of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.service.is_some() { Kind::Service } else { Kind::Edge }
    }

    /// The event that ends it.
    #[must_use]
    pub fn offline(&self) -> Event {
        Event::Offline { kind: self.kind(), id: self.id, stamp: self.stamp }
    }

    /// Whether the directory takes it. An event that it does not take is [`Verdict::Refused`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.addr.len() > MAX_TEXT || self.service.as_ref().is_some_and(|name| name.len() > MAX_TEXT) {
            return Err(Invalid("an address or name must not be longer than 8192 bytes"));
        }
        Ok(())
    }
}

/// Whether a later connection may displace an earlier one, at another frontier, that is still there. Each with its
/// service's name, if it is one, and with what it claims the id: the rules are those of one gateway.
#[must_use]
pub(crate) fn may_displace(
    later: (Option<&str>, Option<Claim>),
    earlier: (Option<&str>, Option<Claim>),
) -> bool {
    let ((name, Some(claim)), (other_name, Some(other))) = (later, earlier) else { return true };
    if claim.proof == Proof::Id && other.proof < Proof::Id {
        return true;
    }
    if name != other_name || claim.proof < other.proof {
        return false;
    }
    if claim.proof > other.proof {
        return true;
    }
    if claim.proof == Proof::Subject && claim.subject != other.subject {
        return false;
    }
    // A service may be at many frontiers: its latest connection counts, wherever it comes from.
    name.is_some() || !claim.comes_back || claim.since >= other.since
}

/// An edge or a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An edge.
    Edge,
    /// A service.
    Service,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Edge, Self::Service];
}

/// What became of one reported event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The directory has changed.
    Applied,
    /// It was so already, or the event is about a connection that has been reported to have ended.
    Unchanged,
    /// A later connection of this id has been seen, at this frontier (which may be the reporting one):
    /// the reported connection is stale and should be closed. Only for [`Event::Online`].
    Superseded {
        /// Where the later connection is, or was.
        by: String,
    },
    /// Another connection holds the id, at another frontier, and the reported one may not displace it by their claims:
    /// the reported one should be closed. Only for [`Event::Online`].
    Held {
        /// Where the connection is that holds it.
        by: String,
    },
    /// The frontier has as many connections of this kind as it may ([`Bounds`](crate::Bounds)).
    Full,
    /// The event is not valid ([`Presence::check`]) and will not be, however often it is sent.
    Refused,
}
