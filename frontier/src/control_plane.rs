//! The port for operators: who is connected here, and what they do about that.
//!
//! ```text
//! frontier_admin::Server ─┬─ health: healthz, livez, readyz, grpc.health.v1; reflection
//!                         └─ Operators ─▶ REST ┐
//!                                         gRPC ┴─▶ Queries ─▶ Exchange, in slices
//!                                                  Actions ─▶ Exchange
//! ```
//!
//! gRPC and REST share one port, the handlers, and the errors. Nothing here is on the path of calls: what it reads, it
//! reads as [`Exchange`] gives it, some hundreds of peers at a time.

mod actions;
mod grpc;
mod listing;
mod names;
mod order;
mod page;
mod queries;
mod record;
mod rest;
#[cfg(test)]
mod testing;
mod walk;

use crate::config::{CONTROLPLANE, Config, ControlPlaneConfig};
use crate::observability::Telling;
use crate::policy::Policies;
use actions::Actions;
use frontier_admin::{AuditTarget, BindError, LiveTls, Operators, Server, reflection};
use frontier_api::GATEWAY_DESCRIPTORS;
use frontier_api::gateway::control_plane_server::ControlPlaneServer;
use frontier_exchange::Exchange;
use grpc::Grpc;
use queries::Queries;
use record::Listeners;
use rest::Rest;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The gRPC services whose health can be asked for; the empty name stands for all.
const SERVICES: [&str; 2] = ["", "controlplane.ControlPlane"];

/// How long what is in flight may go on when the gateway has drained.
const GRACE: Duration = Duration::from_secs(1);

/// The port, open.
pub(crate) struct ControlPlane {
    server: Server,
    request_size: usize,
    rest: Rest,
}

impl ControlPlane {
    /// Listens, unless another process has the default port. Connections wait until [`run`](Self::run).
    pub(crate) fn bind(
        plane: &ControlPlaneConfig,
        config: &Config,
        exchange: &Arc<Exchange>,
        policies: &Arc<Policies>,
    ) -> Result<Option<Self>, BindError> {
        let server = match Server::bind("control plane", &plane.server) {
            Ok(server) => server,
            Err(BindError::Listen { addr, source, .. })
                if source.kind() == io::ErrorKind::AddrInUse && plane.may_be_taken() =>
            {
                warn!(
                    %addr,
                    "there is no control plane: another process has its default port; set {CONTROLPLANE}.listen.addr"
                );
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let access = policies.clone();
        let operators =
            Operators::new(CONTROLPLANE, AuditTarget::Frontier, move || access.current().access.clone());
        let queries = Queries::new(exchange.clone(), Listeners::new(config));
        let rest = Rest { queries, actions: Actions::new(exchange.clone()) };
        let request_size = plane.server.request_size;
        Ok(Some(Self { server: server.operators(operators), request_size, rest }))
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Its TLS, if there is any, to be changed while it runs.
    pub(crate) fn tls(&self) -> Option<LiveTls> {
        self.server.tls()
    }

    /// Serves until `over`. It is ready while the gateway answers, until `drain`.
    pub(crate) async fn run(self, telling: &Telling, drain: CancellationToken, over: CancellationToken) {
        let Self { server, request_size, rest } = self;
        let grpc =
            ControlPlaneServer::new(Grpc { queries: rest.queries.clone(), actions: rest.actions.clone() })
                .max_decoding_message_size(request_size);
        let mut routes = rest::routes(rest).route_service("/controlplane.ControlPlane/{call}", grpc);
        match reflection(GATEWAY_DESCRIPTORS) {
            Ok(reflection) => routes = routes.merge(reflection),
            Err(error) => warn!(%error, "there is no reflection"),
        }
        let probe = telling.probe(&SERVICES, drain).await;
        server.run(routes.merge(telling.metrics().routes()), probe, over, GRACE).await;
    }
}

impl std::fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlPlane").field("addr", &self.addr()).finish_non_exhaustive()
    }
}
