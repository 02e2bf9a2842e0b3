//! Real Redis servers for tests, on free ports of 127.0.0.1, in directories of their own, killed when dropped.
//!
//! Everything here panics when it does not work, and says what to install when a program is missing.

mod cluster;
mod program;
mod proxy;
mod sentinels;
mod server;

pub use cluster::Cluster;
pub use proxy::Proxy;
pub use sentinels::Sentinels;
pub use server::Server;
