//! The HTTP side of a daemon: gRPC and REST over one port, with bounds on everything that a peer can make it
//! hold. It knows nothing of what it serves: the daemon brings an axum router and a configuration section.
//!
//! ```text
//!                                                       ┌ Probe: /livez, /readyz, grpc.health.v1
//! connection ─▶ TLS? ─▶ HTTP/1.1 or 2 ─▶ deadline ─▶ router ┤
//!                                                       └ the daemon's routes: REST, gRPC, watches
//! ```
//!
//! - [`Server`] listens, serves a router until it is stopped, and drains. A tonic service is a route as well:
//!   `router.route_service("/package.Service/{call}", service)`.
//! - [`Query`] and [`page`] read requests for lists; [`ApiError`] is an error for both gRPC and REST.
//! - [`Watches`] runs streams of changes, one task each; [`sse`] writes them as server-sent events.
//! - [`Probe`] says whether the daemon can answer.
//!
//! Nobody is asked who they are: whoever can reach the port may ask. A daemon that wants a check puts a layer before its
//! routes; [`Caller`] in a request's extensions says who it is, as far as the connection tells.

mod config;
mod connection;
mod deadline;
mod error;
mod health;
pub mod page;
mod query;
mod server;
pub mod sse;
mod stall;
mod tls;
mod watch;

pub use config::ServerConfig;
pub use connection::Caller;
pub use error::{ApiError, ErrorBody, json};
pub use health::{CheckResult, Probe, Readiness};
pub use query::Query;
pub use server::{BindError, Server};
pub use tls::{LiveTls, TlsConfig, TlsError, certificates, private_key};
pub use watch::{WatchSlot, WatchSource, Watches};
