//! Why the gateway did not start.

use crate::bridge::BridgeError;
use crate::cluster::AdvertiseError;
use crate::config::AccessErrors;
use crate::relay::RelayError;
use frontier_admin::BindError;
use frontier_mq::SpoolError;
use std::io;
use std::net::SocketAddr;
use thiserror::Error;

/// Why the gateway did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address could not be listened on.
    #[error("can't listen on {addr} for {side}")]
    Listen {
        /// The configured address.
        addr: SocketAddr,
        /// Edges or services.
        side: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The system gives no threads for connections.
    #[error("can't start a thread for connections for each of `daemon.threads`")]
    Threads(#[source] io::Error),
    /// A side has no listener.
    #[error("there is no listener for {0}")]
    Nowhere(&'static str),
    /// Files that say who may connect and what they may do can't be used.
    #[error("{0}")]
    Access(AccessErrors),
    /// Traces can't be sent as `tracing` says.
    #[error("traces can't be sent by `tracing`: {0}")]
    Traces(opentelemetry_otlp::ExporterBuildError),
    /// The port for metrics did not start.
    #[error(transparent)]
    Observability(BindError),
    /// The port for operators did not start.
    #[error(transparent)]
    ControlPlane(BindError),
    /// The bridge did not start.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// The relay did not start.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The spool of a sink can't be used.
    #[error("mq.spool.path: can't use the spool of mq:{sink}")]
    Spool {
        /// The sink.
        sink: &'static str,
        /// Why.
        source: SpoolError,
    },
    /// Others of the cluster could not reach the gateway.
    #[error(transparent)]
    Advertise(#[from] AdvertiseError),
}
