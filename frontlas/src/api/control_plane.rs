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
use frontier_admin::{BindError, Metrics, Probe, Readiness, Server, Watches, openapi, reflection};
use frontier_api::cluster::cluster_service_server::ClusterServiceServer;
use frontier_api::{CLUSTER_DESCRIPTORS, CLUSTER_OPENAPI};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Tells what a control plane is at.
pub(crate) struct Load {
    watches: Watches,
    scans: Scans,
}

/// How much that is.
pub(crate) struct LoadNow {
    /// Watches that are open.
    pub(crate) watches: usize,
    /// Lists that are being read.
    pub(crate) lists: usize,
    /// Pages that are being read, for both.
    pub(crate) reads: usize,
}

impl Load {
    pub(crate) fn now(&self) -> LoadNow {
        let (lists, reads) = self.scans.under_way();
        LoadNow { watches: self.watches.count(), lists, reads }
    }
}

/// gRPC and REST over a directory, on one port.
pub struct ControlPlane {
    server: Server,
    /// What tells of the cluster.
    routes: Router,
    watches: Watches,
    scans: Scans,
    access: Option<PlaneAccess>,
    probe: Probe,
}

impl ControlPlane {
    /// Listens. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`BindError`] if the address can't be listened on.
    pub async fn bind(config: &ControlPlaneConfig, directory: Arc<dyn Directory>) -> Result<Self, BindError> {
        let server = Server::bind("control plane", &config.server)?;
        let scans = Scans::new(directory.clone());
        let writes = WriteState::default();
        let queries = Queries::new(directory.clone(), scans.clone(), writes.clone());
        let open = server.watches();
        let watches = ClusterWatches::new(
            directory.clone(),
            scans.clone(),
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
            Box::pin(
                async move { Ok(writes.check(directory.check()).await.map_err(|error| error.to_string())?) },
            )
        });
        Ok(Self { server, routes, watches: open, scans, access: None, probe: probe.await })
    }

    /// What it is at, now and later.
    pub(crate) fn load(&self) -> Load {
        Load { watches: self.watches.clone(), scans: self.scans.clone() }
    }

    /// What its probe has found, now and later.
    pub(crate) fn readiness(&self) -> Readiness {
        self.probe.readiness()
    }

    /// Serves these as well.
    #[must_use]
    pub(crate) fn with_metrics(mut self, metrics: &Metrics) -> Self {
        self.routes = self.routes.merge(metrics.routes());
        self
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Has those who ask say who they are, whatever they ask for but `/healthz` and the files of the console. Without this everybody may ask.
    #[must_use]
    pub fn with_access(mut self, access: PlaneAccess) -> Self {
        self.access = Some(access.clone());
        self.server = self.server.operators(access.operators());
        self
    }

    /// Serves until `stop`. Then it is no longer ready, takes no more connections and ends the watches; what
    /// is in flight has `grace`.
    pub async fn run(self, stop: CancellationToken, grace: Duration) {
        let mut router = self.routes.merge(health::routes(self.probe.readiness()));
        match reflection(&[CLUSTER_DESCRIPTORS]) {
            Ok(reflection) => router = router.merge(reflection),
            Err(error) => warn!(%error, "there is no reflection"),
        }
        match openapi(CLUSTER_OPENAPI) {
            Ok(document) => router = router.merge(document),
            Err(error) => warn!(%error, "there is no OpenAPI document"),
        }
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
