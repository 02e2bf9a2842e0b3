//! The control plane: what the cluster answers to services, operators and other programs.
//!
//! ```text
//!                                                       ┌ health: livez, readyz, /cluster/v1/health, grpc.health.v1
//! connection ─▶ TLS? ─▶ HTTP/1.1 or 2 ─▶ Router ─▶ deadline ┤
//!                                                       └ access ─▶ REST ┐
//!                                                                   gRPC ┴▶ Questions ─▶ Directory
//!                                                                           Watches ─▶ Feed ─┘
//! ```
//!
//! gRPC and REST share one port, the handlers, and the errors. Nobody is asked who they are: whoever can reach
//! the port may ask. The seam for a check is [`ControlPlane::with_access`].

mod config;
mod connection;
mod control_plane;
mod convert;
mod deadline;
mod error;
mod feed;
mod grpc;
mod health;
mod io;
mod page;
mod questions;
mod rest;
mod tls;
mod watch;

pub use config::ControlPlaneConfig;
pub use connection::Caller;
pub use control_plane::{ControlPlane, StartError};
pub use tls::{Tls, TlsError};

use http::{HeaderMap, header};

/// Whether the caller speaks gRPC, and so reads errors from trailers.
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes());
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}
