use super::connection::{Connections, http};
use super::error::ApiError;
use super::grpc::Grpc;
use super::health::Probe;
use super::questions::Questions;
use super::rest::{self, Rest};
use super::tls::TlsError;
use super::watch::Watches;
use super::{ControlPlaneConfig, deadline, is_grpc};
use crate::Directory;
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use frontier_api::cluster::cluster_service_server::ClusterServiceServer;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tower::{Layer, Service};
use tracing::{debug, info, warn};

/// The pause after a connection could not be accepted, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the control plane did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be listened on.
    #[error("can't listen on {addr} for the control plane")]
    Listen {
        /// The configured address.
        addr: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is no TLS.
    #[error("no TLS for the control plane")]
    Tls(#[from] TlsError),
}

/// gRPC and REST over a directory, on one port.
pub struct ControlPlane {
    config: ControlPlaneConfig,
    listener: TcpListener,
    addr: SocketAddr,
    tls: Option<TlsAcceptor>,
    /// What asks the directory.
    guarded: Router,
    probe: Probe,
    stop: CancellationToken,
}

impl ControlPlane {
    /// Listens. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`StartError`] if the address can't be listened on, or the files of TLS are of no use.
    pub async fn bind(
        config: &ControlPlaneConfig,
        directory: Arc<dyn Directory>,
    ) -> Result<Self, StartError> {
        let tls = config.tls.as_ref().map(|tls| tls.load()).transpose()?.map(TlsAcceptor::from);
        let failed = |source| StartError::Listen { addr: config.addr, source };
        let listener = TcpListener::bind(config.addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let stop = CancellationToken::new();
        let questions = Questions::new(directory.clone());
        let watches = Watches::new(directory.clone(), config, stop.clone());
        let rest = Rest { questions: questions.clone(), watches: watches.clone() };
        let grpc = ClusterServiceServer::new(Grpc { questions, watches })
            .max_decoding_message_size(config.request_size);
        Ok(Self {
            guarded: rest::routes(rest).route_service("/controlplane.ClusterService/{call}", grpc),
            probe: Probe::new(directory).await,
            config: config.clone(),
            listener,
            addr,
            tls,
            stop,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Puts a layer before all that tells of the cluster, gRPC and REST alike, but not before health. It can
    /// turn a request away; whose request it is, [`Caller`](super::Caller) in its extensions says. The last
    /// one that was put there sees a request first.
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
        info!(addr = %self.addr, tls = self.tls.is_some(), "the control plane listens");
        let router = self
            .guarded
            .merge(self.probe.routes())
            .method_not_allowed_fallback(wrong_method)
            .fallback(no_route)
            .layer(from_fn_with_state(self.config.request_timeout, deadline::enforce));
        let kill = CancellationToken::new();
        let connections = Connections {
            router,
            tls: self.tls,
            http: http(&self.config),
            handshake_timeout: self.config.handshake_timeout,
            slow_peer_timeout: self.config.slow_peer_timeout,
            stop: self.stop.clone(),
            kill: kill.clone(),
        };
        let tasks = TaskTracker::new();
        tasks.spawn(self.probe.run(self.stop.clone()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = accept(&self.listener, connections, &tasks, self.config.connections) => {}
        }
        drop(self.listener);
        self.stop.cancel();
        tasks.close();
        if timeout(grace, tasks.wait()).await.is_err() {
            warn!(connections = tasks.len(), "the grace is over");
            kill.cancel();
            tasks.wait().await;
        }
    }
}

async fn accept(listener: &TcpListener, connections: Connections, tasks: &TaskTracker, limit: usize) {
    let permits = Arc::new(Semaphore::new(limit));
    loop {
        let (stream, addr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "can't accept a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = permits.clone().try_acquire_owned() else {
            debug!(%addr, limit, "one connection too many");
            continue;
        };
        let connections = connections.clone();
        tasks.spawn(async move {
            connections.serve(stream, addr).await;
            drop(permit);
        });
    }
}

async fn no_route(request: Request) -> Response {
    let error = ApiError::NoRoute(request.uri().path().to_owned());
    if is_grpc(request.headers()) { Status::from(error).into_http() } else { error.into_response() }
}

async fn wrong_method(request: Request) -> ApiError {
    ApiError::Method(request.method().to_string())
}
