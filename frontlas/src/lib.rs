//! The cluster node: many gateways as one. It keeps who is where in a [`Directory`].

pub mod directory;
mod model;

pub use directory::{Directory, DirectoryError};
pub use model::{
    Change, Changes, Edge, Event, Former, Frontier, Incarnation, Invalid, Kind, Lease, NewFrontier, Numbered,
    Page, Position, Presence, Service, Stamp, Verdict,
};
