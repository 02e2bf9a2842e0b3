//! The cluster node: many gateways as one. It keeps who is where in a [`Directory`].

mod access;
pub mod api;
mod bounds;
pub mod cli;
pub mod config;
pub mod directory;
mod lifetimes;
mod memory;
mod metrics;
mod model;
mod node;
mod original;
pub mod plane;
mod redis;
mod reload;
mod tls;

pub use self::redis::{HostPort, RedisConfig, RedisDirectory, RedisMode, RedisTls};
pub use access::PlaneAccess;
pub use bounds::Bounds;
pub use config::Config;
pub use directory::{Directory, DirectoryError};
pub use lifetimes::Lifetimes;
pub use memory::MemoryDirectory;
pub use model::{
    Change, Changes, Edge, Event, Former, Frontier, Incarnation, Invalid, Kind, Lease, Mark, NewFrontier,
    Numbered, Page, Position, Presence, Service, Timestamp, Verdict,
};
pub use node::{Node, NodeError};
pub use reload::Live;
