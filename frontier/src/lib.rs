//! The gateway: edges and services dial in, the exchange carries messages, calls and streams between
//! them. The daemon is `main.rs`; this library is what it runs.

pub mod cert;
pub mod cluster;
pub mod config;
pub mod demo;
mod forwarding;
mod gate;
mod gateway;
mod native;
mod policy;
pub mod reload;
mod session;
#[cfg(test)]
mod testing;
pub mod token;

pub use config::Config;
pub use gateway::{Gateway, ServeError, StartError};
