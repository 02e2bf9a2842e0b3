//! Redis as the daemons reach it: standalone, by sentinels, or a cluster.
//!
//! ```text
//!   Script, Args ─▶ Connection ─▶ the one connection, which all share ─▶ Redis
//!                       │ it broke, does not answer in time, or writes are refused on it
//!                       └─▶ another one, found anew: where the sentinels say, or the cluster
//! ```
//!
//! What is done goes out by a [`Script`] or a [`Command`], each of which may be done twice: a connection that turns out to be of
//! no use is replaced once within an operation. What the keys are is the users' business.

mod config;
mod connection;
mod dial;
mod error;
mod script;
mod stats;

pub use config::{RedisConfig, RedisMode, RedisTls};
pub use connection::Connection;
pub use error::Unavailable;
pub use script::{Args, Command, Script};
pub use stats::{RedisStats, StatNames};
