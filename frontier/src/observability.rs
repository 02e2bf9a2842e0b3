//! What the gateway tells of itself: metrics, and whether it answers.
//!
//! ```text
//!   exchange, sessions, cluster ◀─(read)─ GatewayMetrics ◀── /metrics ┐
//!          ▲                                                          ├── a port of its own, with a thread of its own
//!          └─(each second)─ SelfProbe ◀── /readyz ────────────────────┘
//! ```

mod bridge_metrics;
mod gateway_metrics;
mod relay_metrics;
mod self_probe;

pub(crate) use gateway_metrics::GatewayMetrics;
pub(crate) use self_probe::SelfProbe;

use crate::cluster::ClusterState;
use crate::mq::{Sources, complaints, source_complaints};
use frontier_admin::{Metrics, Probe};
use frontier_mq::Sink;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the gateway tells of itself, wherever that is served.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    metrics: Metrics,
    self_probe: Arc<SelfProbe>,
    cluster: Arc<ClusterState>,
    sinks: Vec<Arc<Sink>>,
    sources: Sources,
}

impl Telling {
    pub(crate) fn new(metrics: GatewayMetrics) -> Self {
        let (self_probe, cluster) = (metrics.self_probe.clone(), metrics.cluster.clone());
        let (sinks, sources) = (metrics.sinks.clone(), metrics.sources.clone());
        Self { metrics: Metrics::new(move |out| metrics.write(out)), self_probe, cluster, sinks, sources }
    }

    /// Asks the gateway again and again whether it answers, until it is dropped.
    pub(crate) fn ask(&self) -> impl Future<Output = ()> + Send + use<> {
        self.self_probe.clone().run()
    }

    /// The route `/metrics`, for any port.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether the gateway answers, for any port: until `stop`, from which on it takes nobody new. Its check waits for
    /// nothing. These gRPC services are told as well.
    pub(crate) async fn probe(&self, services: &'static [&'static str], stop: CancellationToken) -> Probe {
        let (self_probe, cluster) = (self.self_probe.clone(), self.cluster.clone());
        let check = move || {
            let checked = self_probe.check();
            Box::pin(async move { Ok(checked?) }) as frontier_admin::CheckResult
        };
        let probe = Probe::new("the exchange", services, check).await;
        let (sinks, sources) = (self.sinks.clone(), self.sources.clone());
        let degraded = move || {
            let of_brokers = complaints(&sinks).into_iter().chain(source_complaints(&sources.all()));
            cluster.frontlas.complaint().into_iter().chain(of_brokers).collect()
        };
        probe.until(stop).degraded(degraded)
    }
}
