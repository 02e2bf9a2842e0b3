//! The gateway: edges and services dial in, the exchange carries messages, calls and streams between
//! them. The daemon's `main` calls [`cli::run`]; all else is here, where tests reach it.

mod calls;
pub mod cert;
pub mod cli;
pub mod cluster;
pub mod config;
mod exchange;
mod forwarding;
mod gate;
mod gateway;
mod latch;
mod peer;
mod policy;
mod presence;
mod registry;
pub mod reload;
mod roster;
mod session;
mod sweep;
#[cfg(test)]
mod testing;
pub mod token;

pub use config::Config;
pub use gateway::{Gateway, ServeError, StartError};
