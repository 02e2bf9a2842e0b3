//! The two forms of health that came with `ClusterService`. The standard ones are [`frontier_admin::Probe`]'s.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use frontier_admin::{ApiError, Query, Readiness};
use frontier_api::cluster::health_check_response::ServingStatus;
use frontier_api::cluster::health_server::{Health, HealthServer};
use frontier_api::cluster::{HealthCheckRequest, HealthCheckResponse};
use futures_util::{Stream, StreamExt};
use http::{StatusCode, Uri};
use std::pin::Pin;
use tonic::{Request, Response, Status};

/// The gRPC services whose health can be asked for; the empty name stands for all.
pub(super) const SERVICES: [&str; 2] = ["", "controlplane.ClusterService"];

pub(super) fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/cluster/v1/health", get(health))
        .with_state(readiness.clone())
        .route_service("/controlplane.Health/{call}", HealthServer::new(ClusterHealth(readiness)))
}

/// 200 or 417 without a body, which is what clients of `ClusterService` know.
async fn health(State(readiness): State<Readiness>, uri: Uri) -> Result<StatusCode, ApiError> {
    let mut query = Query::parse(&uri)?;
    let service = query.text("service")?.unwrap_or_default();
    query.end()?;
    check_service(&service)?;
    Ok(if readiness.is_ready() { StatusCode::OK } else { StatusCode::EXPECTATION_FAILED })
}

fn check_service(service: &str) -> Result<(), ApiError> {
    match SERVICES.contains(&service) {
        true => Ok(()),
        false => Err(ApiError::NotFound("there is no such service here".to_owned())),
    }
}

fn status(is_ready: bool) -> HealthCheckResponse {
    let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    HealthCheckResponse { status: status.into() }
}

struct ClusterHealth(Readiness);

#[tonic::async_trait]
impl Health for ClusterHealth {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        check_service(&request.get_ref().service)?;
        Ok(Response::new(status(self.0.is_ready())))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        check_service(&request.get_ref().service)?;
        let changes = self.0.clone().changes();
        Ok(Response::new(Box::pin(changes.map(|is_ready| Ok(status(is_ready))))))
    }
}
