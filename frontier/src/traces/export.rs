//! The exporter, with a word in the log when the collector does not take what is sent.

use frontier_access::PeerText;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::{debug, info, warn};

/// An exporter whose failures are logged: the first of several.
#[derive(Debug)]
pub(super) struct Logged<E> {
    exporter: E,
    endpoint: String,
    is_failing: AtomicBool,
}

impl<E> Logged<E> {
    pub(super) fn new(exporter: E, endpoint: &str) -> Self {
        Self { exporter, endpoint: endpoint.to_owned(), is_failing: AtomicBool::new(false) }
    }
}

impl<E: SpanExporter> SpanExporter for Logged<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (spans, endpoint) = (batch.len(), &self.endpoint);
        let exported = self.exporter.export(batch).await;
        let is_failing = exported.is_err();
        let was_failing = self.is_failing.swap(is_failing, Ordering::Relaxed);
        match &exported {
            Err(error) if !was_failing => {
                warn!(endpoint, error = %PeerText(error), spans, "traces are not taken: look at tracing.endpoint, for https:// at tracing.tls, and at the collector there");
            }
            Err(error) => debug!(endpoint, error = %PeerText(error), spans, "traces are still not taken"),
            Ok(()) if was_failing => info!(endpoint, "traces are taken again"),
            Ok(()) => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
