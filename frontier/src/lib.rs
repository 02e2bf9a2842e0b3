//! The gateway: edges and services dial in, the exchange carries messages, calls and streams between
//! them. The daemon's `main` calls [`cli::run`]; all else is here, where tests reach it.

mod bridge;
mod carriers;
pub mod cli;
pub mod cluster;
pub mod config;
mod control_plane;
mod forwarding;
mod gate;
mod gateway;
mod geminio;
mod inner_leg;
mod mq;
mod native;
mod observability;
mod online;
mod policy;
mod relay;
pub mod reload;
mod session;
#[cfg(test)]
mod testing;
mod traces;

pub use bridge::BridgeError;
pub use config::Config;
pub use gateway::{Gateway, MemoryPorts, ServeError, StartError};
pub use relay::RelayError;
