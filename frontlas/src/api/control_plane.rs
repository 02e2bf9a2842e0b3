//! The control plane on its port.

use super::ControlPlaneConfig;
use super::grpc::Grpc;
use super::health::{self, SERVICES};
use super::queries::Queries;
use super::rest::{self, Rest};
use super::scans::Scans;
use super::watch::ClusterWatches;
use super::write_state::WriteState;
use crate::{Directory, PlaneAccess};
use axum::Router;
use frontier_admin::{BindError, LiveTls, Probe, Server, Watches};
use frontier_api::cluster::cluster_service_server::ClusterServiceServer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// gRPC and REST over a directory, on one port.
pub struct ControlPlane {
    server: Server,
    /// What tells of the cluster.
    routes: Router,
    watches: Watches,
    access: Option<PlaneAccess>,
    probe: Probe,
}

impl ControlPlane {
    /// Listens. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`BindError`] if the address can't be listened on, or the files of TLS are of no use.
    pub async fn bind(config: &ControlPlaneConfig, directory: Arc<dyn Directory>) -> Result<Self, BindError> {
        let server = Server::bind("control plane", &config.server).await?;
        let scans = Scans::new(directory.clone());
        let writes = WriteState::default();
        let queries = Queries::new(directory.clone(), scans.clone(), writes.clone());
        let open = server.watches();
        let watches = ClusterWatches::new(
            directory.clone(),
            scans,
            writes.clone(),
            config.watch_interval,
            open.clone(),
        );
        let rest = Rest { queries: queries.clone(), watches: watches.clone() };
        let grpc = ClusterServiceServer::new(Grpc { queries, watches })
            .max_decoding_message_size(config.server.request_size);
        let routes = rest::routes(rest).route_service("/controlplane.ClusterService/{call}", grpc);
        let (server, routes) = match config.console {
            true => (
                server.public(frontier_console::is_public),
                routes.merge(frontier_console::routes(frontier_console::Plane::Frontlas)),
            ),
            false => (server, routes),
        };
        let probe = Probe::new("the directory", &SERVICES, move || {
            let (directory, writes) = (directory.clone(), writes.clone());
            Box::pin(async move { writes.check(directory.check()).await.map_err(|error| error.to_string()) })
        });
        Ok(Self { server, routes, watches: open, access: None, probe: probe.await })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Its TLS, if there is any, to be changed while it runs.
    #[must_use]
    pub fn tls(&self) -> Option<LiveTls> {
        self.server.tls()
    }

    /// Has those who ask say who they are, whatever they ask for but `/healthz` and the files of the console. Without this everybody may ask.
    #[must_use]
    pub fn with_access(mut self, access: PlaneAccess) -> Self {
        self.access = Some(access.clone());
        self.server = self.server.guard(move |caller, headers| access.operator(caller, headers));
        self
    }

    /// Serves until `stop`. Then it is no longer ready, takes no more connections and ends the watches; what
    /// is in flight has `grace`.
    pub async fn run(self, stop: CancellationToken, grace: Duration) {
        let router = self.routes.merge(health::routes(self.probe.readiness()));
        let serving = self.server.run(router, self.probe, stop, grace);
        tokio::select! {
            () = serving => {}
            () = end_watches(self.access, &self.watches) => {}
        }
    }
}

/// Ends the watches after each reload by which those who are there are judged again. A watch was judged when it began.
async fn end_watches(access: Option<PlaneAccess>, watches: &Watches) {
    let Some(access) = access else { return std::future::pending().await };
    let mut enforced = access.enforced();
    loop {
        if enforced.changed().await.is_err() {
            // Nothing is reloaded any more.
            return std::future::pending().await;
        }
        if *enforced.borrow() {
            watches.end_all();
        }
    }
}
