//! The control plane: what the cluster answers to services, operators and other programs.
//!
//! ```text
//! frontier_admin::Server ─┬─ console: files for browsers
//!                         ├─ health: livez, readyz, /cluster/v1/health, grpc.health.v1; reflection; openapi.json
//!                         └─ access ─▶ REST ┐
//!                                      gRPC ┴─▶ Queries ───────────▶ Directory
//!                                               Watches ─▶ Feed ─────┘
//! ```
//!
//! Both read edges and services in bulk through `Scans`.
//!
//! gRPC and REST share one port, the handlers, and the errors. Who may ask is for [`ControlPlane::with_access`].

mod config;
mod control_plane;
mod convert;
mod feed;
mod grpc;
mod health;
mod queries;
mod rest;
mod scans;
mod watch;
mod write_state;

pub use config::ControlPlaneConfig;
pub use control_plane::ControlPlane;
pub(crate) use control_plane::{Load, LoadNow};
