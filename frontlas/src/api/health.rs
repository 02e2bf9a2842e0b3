//! Whether this node can answer: it can while the directory does.

use crate::Directory;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use frontier_api::cluster::health_check_response::ServingStatus;
use frontier_api::cluster::health_server::{Health, HealthServer};
use frontier_api::cluster::{HealthCheckRequest, HealthCheckResponse};
use futures_util::Stream;
use futures_util::stream::unfold;
use http::{StatusCode, Uri};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use tonic_health::server::{HealthReporter, HealthService};

use super::error::ApiError;

/// How often the directory is asked whether it is there.
const PAUSE: Duration = Duration::from_secs(1);

/// How long it may take to say so.
const PATIENCE: Duration = Duration::from_secs(2);

/// What health is told of; the empty name stands for all.
const SERVICES: [&str; 2] = ["", "controlplane.ClusterService"];

/// Asks the directory, and tells everyone else.
pub(crate) struct Probe {
    directory: Arc<dyn Directory>,
    ready: watch::Sender<bool>,
    reporter: HealthReporter,
}

/// What a probe has found.
#[derive(Clone)]
pub(crate) struct Ready(watch::Receiver<bool>);

impl Probe {
    /// Not ready until [`run`](Self::run) has found that it is.
    pub(crate) async fn new(directory: Arc<dyn Directory>) -> Self {
        let this = Self { directory, ready: watch::Sender::new(false), reporter: HealthReporter::new() };
        this.tell(tonic_health::ServingStatus::NotServing).await;
        this
    }

    pub(crate) fn ready(&self) -> Ready {
        Ready(self.ready.subscribe())
    }

    /// The paths, for HTTP and for gRPC.
    pub(crate) fn routes(&self) -> Router {
        let standard = HealthService::from_health_reporter(self.reporter.clone());
        let standard = tonic_health::pb::health_server::HealthServer::new(standard);
        Router::new()
            .route("/livez", get(StatusCode::OK))
            .route("/readyz", get(readyz))
            .route("/cluster/v1/health", get(health))
            .with_state(self.ready())
            .route_service("/grpc.health.v1.Health/{call}", standard)
            .route_service("/controlplane.Health/{call}", HealthServer::new(self.ready()))
    }

    /// Probes until `stop`; from then on this node is not ready.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut tick = interval(PAUSE);
        loop {
            let found = tokio::select! {
                () = stop.cancelled() => break,
                found = async {
                    tick.tick().await;
                    timeout(PATIENCE, self.directory.time()).await
                } => found,
            };
            let ready = matches!(found, Ok(Ok(_)));
            if *self.ready.borrow() == ready {
                continue;
            }
            match found {
                Ok(Ok(_)) => tracing::info!("the directory answers"),
                Ok(Err(error)) => tracing::warn!(%error, "the directory does not answer"),
                Err(_) => tracing::warn!("the directory does not answer within {PATIENCE:?}"),
            }
            self.ready.send_replace(ready);
            let status = match ready {
                true => tonic_health::ServingStatus::Serving,
                false => tonic_health::ServingStatus::NotServing,
            };
            self.tell(status).await;
        }
        self.ready.send_replace(false);
        self.tell(tonic_health::ServingStatus::NotServing).await;
        // Ends the watches.
        for service in SERVICES {
            self.reporter.clear_service_status(service).await;
        }
    }

    async fn tell(&self, status: tonic_health::ServingStatus) {
        for service in SERVICES {
            self.reporter.set_service_status(service, status).await;
        }
    }
}

impl Ready {
    fn is_ready(&self) -> bool {
        *self.0.borrow()
    }

    fn status(&self) -> HealthCheckResponse {
        let status = if self.is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing };
        HealthCheckResponse { status: status.into() }
    }
}

async fn readyz(State(ready): State<Ready>) -> Response {
    if ready.is_ready() { StatusCode::OK.into_response() } else { ApiError::Unavailable.into_response() }
}

/// 200 or 417 without a body, which is what clients of `ClusterService` know.
async fn health(State(ready): State<Ready>, uri: Uri) -> Result<StatusCode, ApiError> {
    let service = super::rest::service_asked(&uri)?;
    if !SERVICES.contains(&service.as_str()) {
        return Err(unknown());
    }
    Ok(if ready.is_ready() { StatusCode::OK } else { StatusCode::EXPECTATION_FAILED })
}

fn unknown() -> ApiError {
    ApiError::NotFound("there is no such service here".to_owned())
}

/// The health that came with `ClusterService`.
#[tonic::async_trait]
impl Health for Ready {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        if !SERVICES.contains(&request.get_ref().service.as_str()) {
            return Err(unknown().into());
        }
        Ok(tonic::Response::new(self.status()))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        if !SERVICES.contains(&request.get_ref().service.as_str()) {
            return Err(unknown().into());
        }
        let mut ready = self.clone();
        ready.0.mark_changed();
        // Ends when the probe does.
        Ok(tonic::Response::new(Box::pin(unfold(ready, async |mut ready| {
            ready.0.changed().await.ok()?;
            ready.0.mark_unchanged();
            Some((Ok(ready.status()), ready))
        }))))
    }
}
