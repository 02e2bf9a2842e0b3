//! Trace contexts from and to the spans of `tracing`, whose subscriber has the layer of `tracing-opentelemetry`.

use super::TraceContext;
use crate::Request;
use frontier_protocol as wire;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use std::str::FromStr;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

impl TraceContext {
    /// That of the span in which this is called. `None` if there is none, or nobody traces it.
    #[must_use]
    pub fn current() -> Option<Self> {
        let span = Span::current();
        if span.is_none() {
            return None;
        }
        Self::of(&span.context())
    }

    fn of(context: &Context) -> Option<Self> {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return None;
        }
        let (trace, parent) = (span.trace_id().to_bytes(), span.span_id().to_bytes());
        let traceparent = wire::traceparent(trace, parent, span.trace_flags().to_u8());
        Self::new(std::str::from_utf8(&traceparent).ok()?, &span.trace_state().header())
    }

    /// As the parent of spans here.
    #[must_use]
    pub fn to_opentelemetry(&self) -> Context {
        let flags = TraceFlags::new(u8::from(self.is_sampled()));
        let state = TraceState::from_str(self.tracestate()).unwrap_or_default();
        let (trace, span) = (TraceId::from_bytes(self.trace_id()), SpanId::from_bytes(self.span_id()));
        Context::new().with_remote_span_context(SpanContext::new(trace, span, flags, true, state))
    }
}

/// The span that a handler runs in: none unless the caller records the trace.
pub(crate) fn handler_span(request: &Request) -> Span {
    let Some(context) = request.trace.as_ref().filter(|context| context.is_sampled()) else {
        return Span::none();
    };
    let span = tracing::info_span!(
        "request",
        otel.name = &*request.method,
        otel.kind = "server",
        rpc.system.name = "frontier",
        rpc.method = &*request.method,
        frontier.edge.id = request.edge_id.map(tracing::field::display),
    );
    // Fails only without the layer, and then nobody traces.
    let _ = span.set_parent(context.to_opentelemetry());
    span
}
