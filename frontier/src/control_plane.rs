//! The port for operators: who is connected here, and what they do about that.
//!
//! ```text
//! frontier_admin::Server ─┬─ console: files for browsers
//!                         ├─ health: healthz, livez, readyz, grpc.health.v1; reflection; openapi.json
//!                         └─ Operators ─▶ REST ┐
//!                                         gRPC ┴─▶ Queries, About ─▶ Exchange, in slices; Policies
//!                                                  Actions, Requests ─▶ Exchange
//!                                                  Watches ─▶ Hub ─▶ Exchange
//! ```
//!
//! gRPC and REST share one port, the handlers, and the errors. Nothing here is on the path of calls: what it reads, it
//! reads as [`Exchange`] gives it, some hundreds of peers at a time.

mod about;
mod actions;
mod grpc;
mod listing;
mod names;
mod order;
mod page;
mod queries;
mod record;
mod requests;
mod rest;
#[cfg(test)]
pub(crate) mod testing;
mod walk;
mod watch;

use crate::cluster::ClusterState;
use crate::config::{CONTROLPLANE, Config, ControlPlaneConfig};
use crate::observability::Telling;
use crate::policy::Policies;
use about::About;
pub(crate) use about::Addrs;
use actions::Actions;
use frontier_admin::{AuditTarget, BindError, Operators, Server, Watches, openapi, reflection};
use frontier_api::gateway::control_plane_server::ControlPlaneServer;
use frontier_api::{GATEWAY_DESCRIPTORS, GATEWAY_OPENAPI};
use frontier_daemon::telemetry::LogHandle;
use frontier_exchange::Exchange;
use frontier_transport::ServerTls;
use grpc::Grpc;
use queries::Queries;
use record::Listeners;
use requests::Requests;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use watch::{GatewayWatches, Hub};

/// The gRPC services whose health can be asked for; the empty name stands for all.
const SERVICES: [&str; 2] = ["", "controlplane.ControlPlane"];

/// How long what is in flight may go on when the gateway has drained.
const GRACE: Duration = Duration::from_secs(1);

/// What the handlers of gRPC and REST share.
#[derive(Clone, Debug)]
struct Shared {
    queries: Queries,
    actions: Actions,
    requests: Requests,
    about: About,
    watches: GatewayWatches,
}

/// What of a gateway its control plane is about.
pub(crate) struct Parts<'a> {
    pub(crate) frontier_id: &'a str,
    pub(crate) addrs: Addrs<'a>,
    pub(crate) exchange: &'a Arc<Exchange>,
    pub(crate) policies: &'a Arc<Policies>,
    pub(crate) cluster: &'a Arc<ClusterState>,
}

/// The port, open.
pub(crate) struct ControlPlane {
    server: Server,
    request_size: usize,
    open: Watches,
    hub: Arc<Hub>,
    policies: Arc<Policies>,
    exchange: Arc<Exchange>,
    shared: Shared,
    drain: CancellationToken,
    has_console: bool,
}

impl ControlPlane {
    /// Listens, unless another process has the default port. Connections wait until [`run`](Self::run).
    pub(crate) fn bind(
        plane: &ControlPlaneConfig,
        config: &Config,
        parts: Parts<'_>,
    ) -> Result<Option<Self>, BindError> {
        let server = match Server::bind("control plane", &plane.server) {
            Ok(server) => server,
            Err(BindError { addr, source, .. })
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
        let Parts { frontier_id, addrs, exchange, policies, cluster } = parts;
        let access = policies.clone();
        let operators =
            Operators::new(CONTROLPLANE, AuditTarget::Frontier, move || access.current().access.clone());
        let queries = Queries::new(exchange.clone(), Listeners::new(config));
        let (drain, hub, open) = (CancellationToken::new(), Hub::new(), server.watches());
        let shared = Shared {
            actions: Actions::new(exchange.clone(), drain.clone()),
            requests: Requests::new(exchange.clone(), plane.server.request_timeout),
            about: About::new(
                config,
                frontier_id,
                addrs,
                exchange.clone(),
                policies.clone(),
                cluster.clone(),
            ),
            watches: GatewayWatches::new(queries.clone(), hub.clone(), open.clone()),
            queries,
        };
        let mut server = server.operators(operators);
        if plane.console {
            server = server.public(frontier_console::is_public);
        }
        Ok(Some(Self {
            server,
            request_size: plane.server.request_size,
            open,
            hub,
            policies: policies.clone(),
            exchange: exchange.clone(),
            shared,
            drain,
            has_console: plane.console,
        }))
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Its TLS, if there is any, to be changed while it runs.
    pub(crate) fn tls(&self) -> Option<ServerTls> {
        self.server.tls()
    }

    /// Has operators change what is logged.
    pub(crate) fn set_log(&self, log: LogHandle) {
        self.shared.actions.set_log(log);
    }

    /// Cancelled once an operator wants the gateway to drain.
    pub(crate) fn drain(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Serves until `over`. It is ready while the gateway answers, until `drain`.
    pub(crate) async fn run(self, telling: &Telling, drain: CancellationToken, over: CancellationToken) {
        let Self { server, request_size, open, hub, policies, exchange, shared, has_console, .. } = self;
        let grpc = ControlPlaneServer::new(Grpc(shared.clone())).max_decoding_message_size(request_size);
        let routes = rest::routes(shared, request_size);
        let mut routes = routes.route_service("/controlplane.ControlPlane/{call}", grpc);
        match reflection(&[GATEWAY_DESCRIPTORS]) {
            Ok(reflection) => routes = routes.merge(reflection),
            Err(error) => warn!(%error, "there is no reflection"),
        }
        match openapi(GATEWAY_OPENAPI) {
            Ok(document) => routes = routes.merge(document),
            Err(error) => warn!(%error, "there is no OpenAPI document"),
        }
        if has_console {
            routes = routes.merge(frontier_console::routes(frontier_console::Plane::Gateway));
        }
        let probe = telling.probe(&SERVICES, drain).await;
        let following = Hub::run(Arc::downgrade(&hub), exchange);
        tokio::select! {
            () = server.run(routes.merge(telling.metrics().routes()), probe, over, GRACE) => {}
            () = following => {}
            () = end_watches(policies, open) => {}
        }
    }
}

/// Ends the watches after each reload by which those who are there are judged again. A watch was judged when it began.
async fn end_watches(policies: Arc<Policies>, watches: Watches) {
    let mut replaced = policies.replaced();
    while replaced.changed().await.is_ok() {
        if policies.current().reload.enforce {
            watches.end_all();
        }
    }
    // Nothing is reloaded any more.
    std::future::pending().await
}

impl std::fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlPlane").field("addr", &self.addr()).finish_non_exhaustive()
    }
}
