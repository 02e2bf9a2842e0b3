//! The history of changes, and positions in it.

use super::{Edge, NewFrontier, Service, Timestamp};

/// A place in the history of changes. It holds for all replicas on one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which history: another one begins when the store was emptied, was replaced or failed over.
    /// The value has no order.
    pub history: u64,
    /// The number of the last change seen. Each change has the next number.
    pub number: u64,
}

/// One change with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number in its history.
    pub number: u64,
    /// What changed.
    pub change: Change,
}

/// A change. Each says what is so from now on, hence may be applied over a state that has it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A frontier has come, or has other addresses now.
    FrontierOnline(NewFrontier),
    /// A frontier drains: new connections should go elsewhere. What is on it stays for now.
    FrontierDraining(NewFrontier),
    /// A frontier has gone, and with it everything that was on it: no other changes tell so. Something
    /// that has since been told to be on another frontier stays.
    FrontierOffline {
        /// Its id.
        frontier_id: String,
    },
    /// An edge has connected, or has moved here from `former`.
    EdgeOnline {
        /// The edge as it is now.
        edge: Edge,
        /// Its connection to another living frontier that this one replaces.
        former: Option<Former>,
    },
    /// An edge has left the frontier. If it is known to be elsewhere, or with a greater stamp, it stays.
    EdgeOffline {
        /// Its id.
        edge_id: u64,
        /// The frontier that it was connected to.
        frontier_id: String,
        /// When it had connected.
        stamp: Timestamp,
    },
    /// A service has connected.
    ServiceOnline {
        /// The service as it is now.
        service: Service,
        /// Its connection to another living frontier that this one replaces.
        former: Option<Former>,
    },
    /// A service has left the frontier. If it is known to be elsewhere, or with a greater stamp, it stays.
    ServiceOffline {
        /// Its id.
        service_id: u64,
        /// The frontier that it was connected to.
        frontier_id: String,
        /// When it had connected.
        stamp: Timestamp,
    },
}

/// A connection that a later one has superseded. Its frontier should be told, so that it closes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// The frontier of the old connection.
    pub frontier_id: String,
    /// When that connection was made.
    pub stamp: Timestamp,
}

/// What happened since a [`Position`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// All changes since, in order, up to the limit; empty if there are none yet. The next position has the
    /// last one's number.
    Since(Vec<Numbered>),
    /// The position is too old, or of another history. Take a new position, then a snapshot, go on from
    /// that position.
    Gone,
}
