//! The control plane on its port.

use super::ControlPlaneConfig;
use super::grpc::Grpc;
use super::health::{self, SERVICES};
use super::queries::Queries;
use super::rest::{self, Rest};
use super::scans::Scans;
use super::watch::ClusterWatches;
use super::write_state::WriteState;
use crate::Directory;
use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::Route;
use frontier_admin::{BindError, LiveTls, Probe, Server};
use frontier_api::cluster::cluster_service_server::ClusterServiceServer;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

/// gRPC and REST over a directory, on one port.
pub struct ControlPlane {
    server: Server,
    /// What tells of the cluster.
    guarded: Router,
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
        let watches = ClusterWatches::new(
            directory.clone(),
            scans,
            writes.clone(),
            config.watch_interval,
            server.watches(),
        );
        let rest = Rest { queries: queries.clone(), watches: watches.clone() };
        let grpc = ClusterServiceServer::new(Grpc { queries, watches })
            .max_decoding_message_size(config.server.request_size);
        let guarded = rest::routes(rest).route_service("/controlplane.ClusterService/{call}", grpc);
        let probe = Probe::new("the directory", &SERVICES, move || {
            let (directory, writes) = (directory.clone(), writes.clone());
            Box::pin(async move { writes.check(directory.check()).await.map_err(|error| error.to_string()) })
        });
        Ok(Self { server, guarded, probe: probe.await })
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

    /// Puts a layer before all that tells of the cluster, gRPC and REST alike, but not before health. It can
    /// turn a request away; whose request it is, [`Caller`](frontier_admin::Caller) in its extensions says. The
    /// last one that was put there sees a request first.
    #[must_use]
    pub fn with_access<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.guarded = self.guarded.layer(layer);
        self
    }

    /// Serves until `stop`. Then it is no longer ready, takes no more connections and ends the watches; what
    /// is in flight has `grace`.
    pub async fn run(self, stop: CancellationToken, grace: Duration) {
        let router = self.guarded.merge(health::routes(self.probe.readiness()));
        self.server.run(router, self.probe, stop, grace).await;
    }
}
