//! The HTTP side of a daemon: gRPC and REST over one port, with bounds on everything that a peer can make it
//! hold. It knows nothing of what it serves: the daemon brings an axum router and a configuration section.
//!
//! ```text
//!                                                                 ┌ Probe: /healthz, /livez, /readyz, grpc.health.v1
//! connection ─▶ TLS? ─▶ HTTP/1.1 or 2 ─▶ deadline ─▶ guard? ─▶ router ┤
//!                                                                 └ the daemon's routes: REST, gRPC, watches
//! ```
//!
//! - [`Server`] listens, serves a router until it is stopped, and drains. A tonic service is a route as well:
//!   `router.route_service("/package.Service/{call}", service)`.
//! - [`Query`] and [`page`] read requests for lists; [`ApiError`] is an error for both gRPC and REST.
//! - [`Watches`] runs streams of changes, one task each; [`sse`] writes them as server-sent events.
//! - [`Probe`] says whether the daemon can answer.
//! - [`Metrics`] tells a scrape what is measured; [`Observability`] is a port for that and the probe alone.
//! - [`reflection()`] tells gRPC tools which services there are, and [`openapi()`] tools of REST what is served.
//!
//! Who may ask is for the daemon to say, with [`Server::operators`] or a check of its own, [`Server::guard`]; without
//! either, whoever can reach the port may. [`Caller`] says who it is as far as the connection tells, [`Operator`] by its
//! credentials, and has what it changes written to the audit log. `/healthz` answers everybody, and [`Server::public`] what
//! else does. Where nobody is asked and the port is for this machine alone, requests for hosts by other names are refused:
//! [`AllowedHosts`].

mod config;
mod connection;
mod deadline;
mod error;
mod guard;
mod health;
mod host;
mod media_type;
mod metrics;
mod observability;
mod openapi;
mod operators;
pub mod page;
mod proxies;
mod query;
mod reflection;
mod server;
pub mod sse;
mod stall;
mod standing;
mod tls;
mod watch;

pub use config::ServerConfig;
pub use connection::Caller;
pub use deadline::RequestDeadline;
pub use error::{ApiError, ErrorBody, PeerError, PeerFault, json};
pub use guard::{bearer_token, protocol_token, protocols, refusal};
pub use health::{CheckResult, NotReady, Probe, Readiness};
pub use host::AllowedHosts;
pub use metrics::{Metrics, ProcessMetrics, write_lifetimes, write_runtime};
pub use observability::{Observability, ObservabilityConfig, Observing};
pub use openapi::{OpenApiError, openapi};
pub use operators::{
    AuditTarget, LiveAccess, Operator, Operators, PlaneAuth, admit_line, client_certificate, exposure,
    is_local, no_way_in, read_planes,
};
pub use proxies::ServerProxies;
pub use query::Query;
pub use reflection::{ReflectionError, reflection};
pub use server::{BindError, Server};
pub use watch::{WatchSlot, WatchSource, Watches};
