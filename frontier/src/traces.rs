//! Traces: spans of requests and streams, as this gateway takes part in them, sent to a collector over OTLP.
//!
//! ```text
//!   Exchange ─▶ Recorder::begin ─▶ RequestSpan ─▶ end ─▶ batch, on a thread of its own ─▶ gRPC ─▶ collector
//! ```
//!
//! What is recorded is decided where a trace begins: a request that comes with a context goes by that, and one without
//! by `tracing.sample_ratio`. What a collector does not take in time is dropped, and holds up nobody.

mod budget;
mod export;
mod span;

use crate::config::Tracing;
use budget::Budget;
use frontier_exchange::{Asked, Span, Tracer};
use frontier_protocol::TraceContext;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor};
use span::RequestSpan;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Spans that wait to be sent; more are dropped.
const QUEUE: usize = 8192;

/// Spans in one request to the collector.
const BATCH: usize = 512;

/// How long spans are gathered at most.
const DELAY: Duration = Duration::from_secs(1);

/// Records spans of requests.
#[derive(Debug)]
pub(crate) struct Recorder {
    processor: Arc<BatchSpanProcessor>,
    scope: InstrumentationScope,
    /// Of 2^64 new traces so many are recorded.
    threshold: u64,
    budget: Budget,
}

impl Recorder {
    /// For the gateway of this id. To be made within a runtime, which carries the connection to the collector; nothing is
    /// dialled yet.
    ///
    /// # Errors
    /// If the endpoint or what TLS takes can't be used.
    pub(crate) fn new(tracing: &Tracing, id: &str) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(&tracing.endpoint);
        let exporter = exporter.with_timeout(tracing.timeout).with_metadata(tracing.metadata());
        let exporter = match tracing.tls() {
            Some(tls) => exporter.with_tls_config(tls),
            None => exporter,
        };
        let exporter = export::Logged::new(exporter.build()?, &tracing.endpoint);
        let config =
            BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH);
        let mut processor = BatchSpanProcessor::new(exporter, config.with_scheduled_delay(DELAY).build());
        let attributes = [
            KeyValue::new("service.name", tracing.service_name.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", id.to_owned()),
        ];
        processor.set_resource(&Resource::builder_empty().with_attributes(attributes).build());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a ratio from 0 to 1: 1 gives the greatest number there is"
        )]
        let threshold = (tracing.sample_ratio * u64::MAX as f64) as u64;
        let scope = InstrumentationScope::builder("frontier").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self {
            processor: Arc::new(processor),
            scope,
            threshold,
            budget: Budget::new(tracing.spans_per_second),
        })
    }

    /// Sends what has been recorded, for `within` at most.
    pub(crate) async fn close(&self, within: Duration) {
        let processor = self.processor.clone();
        // Blocks until it is sent. It fails only as the process ends, or if the collector is away: nothing is to be done.
        let closing = tokio::task::spawn_blocking(move || processor.shutdown_with_timeout(within));
        let _ = tokio::time::timeout(within, closing).await;
    }

    /// The trace that is to be recorded, and the span before ours.
    fn parent(&self, trace: &[u8]) -> Option<(TraceId, SpanId, TraceFlags, TraceState)> {
        let Some(parent) = TraceContext::parse(trace) else {
            let is_sampled = self.threshold > 0 && rand::random::<u64>() <= self.threshold;
            let id = TraceId::from_bytes(rand::random::<[u8; 16]>());
            return is_sampled.then(|| (id, SpanId::INVALID, TraceFlags::SAMPLED, TraceState::default()));
        };
        parent.is_sampled().then(|| {
            let state = TraceState::from_str(parent.tracestate()).unwrap_or_default();
            let (trace, span) = (parent.trace_id(), parent.parent_id());
            (TraceId::from_bytes(trace), SpanId::from_bytes(span), TraceFlags::new(parent.flags()), state)
        })
    }
}

impl Tracer for Recorder {
    fn begin(&self, asked: &Asked<'_>) -> Option<Box<dyn Span>> {
        let (trace, parent, flags, state) = self.parent(asked.trace)?;
        if !self.budget.admit() {
            return None;
        }
        // 0 is no id, and comes once in 2^64.
        let own = SpanId::from_bytes(rand::random::<u64>().max(1).to_be_bytes());
        let context = SpanContext::new(trace, own, flags, false, state);
        let (processor, scope) = (self.processor.clone(), self.scope.clone());
        Some(Box::new(RequestSpan::new(asked, context, parent, processor, scope)))
    }
}

#[cfg(test)]
mod tests;
